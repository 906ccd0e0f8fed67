#!/usr/bin/env node
import { runMigrateCommand } from '../dist/migration.mjs';

process.exitCode = await runMigrateCommand(process.argv.slice(2), {
  print: (line) => console.log(line),
  printError: (line) => console.error(line),
  environment: process.env,
});
