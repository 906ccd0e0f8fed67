/**
 * Moving the jobs of another queue in the same MongoDB into Monque's ledger.
 *
 * @module
 */
export { type CommandSurroundings, runMigrateCommand } from './migrate-command.ts';
export { migrateJobs } from './migrate-jobs.ts';
export type { MigrateJobsOptions, SeriesChoice } from './migration-options.ts';
export type {
  LeftJob,
  LeftReason,
  MigrationNote,
  MigrationReport,
  StoredKind,
} from './migration-report.ts';
export type { PlainField, PlainFormat, PlainStatus } from './plain-format.ts';
