/**
 * A folder with a ledger of steps in a file, and a scheduler for its checks: new for each test.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Monque } from '@monque/core';
import { afterEach, beforeEach } from 'vitest';
import {
  CheckRunner,
  type CheckRunnerOptions,
  MarkdownRecordStore,
  Redactor,
  type StepFields,
  VerificationFormat,
  VerificationLedger,
} from '../../src/index.ts';

export const BY = { actor: 'Ann', run: 'run-001' };
export const LATER = { actor: 'Bob', run: 'run-002' };

/** What the test that runs has. */
export const here: { folder: string; path: string; scheduler: Monque } = {
  folder: '',
  path: '',
  scheduler: Monque.inMemory(),
};

/** Makes it again before each test of a file, and takes it away after. */
export function useFolder(): void {
  beforeEach(async () => {
    here.folder = await mkdtemp(join(tmpdir(), 'ledger-'));
    here.path = join(here.folder, 'LEDGER.md');
    await new MarkdownRecordStore(here.path, new VerificationFormat()).init();
    here.scheduler = Monque.inMemory();
    await here.scheduler.start();
  });

  afterEach(async () => {
    await here.scheduler.stop();
    await rm(here.folder, { recursive: true });
  });
}

/** The ledger in the file, as one more process opens it. */
export function ledgerWith(options: Partial<CheckRunnerOptions> = {}): VerificationLedger {
  const { folder, path, scheduler } = here;
  const redactor = options.redactor ?? new Redactor([]);
  const runner = new CheckRunner({ scheduler, redactor, root: folder, ...options });
  return new VerificationLedger({
    store: new MarkdownRecordStore(path, new VerificationFormat()),
    runner,
    redactor,
  });
}

const WITH_FILE: StepFields = {
  title: 'The file is there',
  invariants: [{ text: 'It says yes', check: { command: 'grep -q yes state.txt' } }],
};

/** Adds a step, and completes it. */
export async function completed(
  ledger: VerificationLedger,
  id: string,
  fields: StepFields = WITH_FILE,
): Promise<void> {
  await ledger.add(id, fields, BY);
  await ledger.start(id, BY);
  await ledger.complete(id, BY);
}
