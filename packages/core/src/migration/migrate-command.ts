export interface CommandSurroundings {
  x: string;
}
export function runMigrateCommand(): void {}
