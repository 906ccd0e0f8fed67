/**
 * A dashboard and an HTTP API for Monque that explain why every job is where it is.
 *
 * @module
 */
export type * from './api/types.ts';
export { createDashboard, type DashboardHandler } from './dashboard.ts';
export { type AnyMonque, type DashboardOptions, DEFAULT_TIMEOUT } from './options.ts';
export type {
  AnyCoordinationLedger,
  AnyVerificationLedger,
  LedgersOption,
} from './options-of-ledgers.ts';
export {
  DEFAULT_REDACTED_KEYS,
  type RedactedField,
  type RedactionContext,
  type Redactor,
} from './server/redaction.ts';
