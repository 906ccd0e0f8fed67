/**
 * Every line of the recipes, in a shell, against a database on which it has something to do.
 */
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { Monque } from '@monque/core';
import type { Db } from 'mongodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeBlocks, readPage } from '../../core/test/docs/pages.ts';
import { uriOf } from '../../core/test/package/mongo-uri.ts';
import {
  cleanupTestDb,
  closeMongoDb,
  describeWithMongo,
  getTestDb,
} from '../../core/test/setup/mongodb.ts';
import { ensureCliBuilt, PROGRAM } from './setup/process.ts';

/** What the blocks end with, where that is not 0, and what they show. */
const EXPECTED: readonly (readonly [begins: string, code: number, shown: string])[] = [
  ['monque jobs retry', 0, '1 job pending again.'],
  ['monque why', 0, 'cancel'],
  ['monque check', 0, '1 worker, 1 series, 0 faults.'],
  ['monque status', 0, '"isWell":true'],
  ['monque names', 0, `'email' goes on`],
  ['monque wait', 0, '6'],
  ['monque series', 0, 'is passed over; the next is'],
  ['monque next', 0, 'the clocks go forward'],
  ['monque jobs cancel', 0, '1 job cancelled'],
  ['monque jobs list', 0, 'ECONNREFUSED'],
  ['monque export', 0, '1 job stored'],
  ['monque doctor', 0, '0 broken rules found'],
];

describeWithMongo('the recipes', () => {
  let db: Db;
  let monque: Monque;
  let folder: string;
  let env: NodeJS.ProcessEnv;

  beforeAll(async () => {
    await ensureCliBuilt();
    db = await getTestDb('cli_recipes');
    folder = await mkdtemp(join(tmpdir(), 'monque-recipes-'));
    await writeFile(
      join(folder, 'monque'),
      `#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' "$@"\n`,
    );
    await chmod(join(folder, 'monque'), 0o755);
    const setup = `export async function setup(monque) {
      monque.worker('report', () => {});
      await monque.schedule('@daily', 'report');
    }`;
    await writeFile(join(folder, 'jobs.mjs'), setup);
    monque = new Monque(db, { logger: false });
    const id = await prepare();
    const path = `${folder}${delimiter}${process.env.PATH}`;
    const names = { ID: id, DATABASE: db.databaseName };
    env = { ...process.env, ...names, PATH: path, MONQUE_URI: uriOf(db.databaseName) };
  }, 180_000);

  afterAll(async () => {
    await monque.stop();
    await db.client.db(`staging_${db.databaseName}`).dropDatabase();
    await cleanupTestDb(db);
    await closeMongoDb();
    await rm(folder, { recursive: true });
  });

  /** Failures, a series, and workers that run what can be run; gives the id of a job that was cancelled. */
  async function prepare(): Promise<string> {
    let isBroken = true;
    monque.worker<{ message: string }>(
      'email',
      ({ data }) => {
        if (isBroken) throw new Error(data.message);
      },
      { maxRetries: 1 },
    );
    monque.worker<{ numbers: number[] }>('sum', ({ data }) => data.numbers.reduce((a, b) => a + b));
    monque.worker('report', () => undefined);
    monque.worker('later', () => undefined);
    await monque.start();
    for (const message of ['read ECONNRESET', 'connect ECONNREFUSED']) {
      await monque.waitFor(await monque.enqueue('email', { message })).catch(() => undefined);
    }
    isBroken = false;
    await monque.schedule('0 0 1 1 *', 'report');
    const later = { delay: 3_600_000 };
    await monque.enqueue('later', {}, { ...later, metadata: { tenant: 'acme' } });
    const { _id } = await monque.enqueue('later', {}, later);
    await monque.cancelJob(_id);
    // So that no worker is quicker than the change of its time.
    await monque.pause('later');
    await monque.retryJob(_id);
    await monque.rescheduleJob(_id, new Date(Date.now() + 3_600_000));
    await monque.cancelJob(_id);
    await monque.resume('later');
    return String(_id);
  }

  test('do what they say', async () => {
    const blocks = codeBlocks(await readPage('docs/cli/recipes.md'));
    expect(
      blocks.map(({ code }) => EXPECTED.find(([begins]) => code.startsWith(begins))?.[0]),
    ).toEqual(EXPECTED.map(([begins]) => begins));
    for (const [index, { code: script }] of blocks.entries()) {
      const [begins, code, shown] = EXPECTED[index] as (typeof EXPECTED)[number];
      // `why` of a cancelled job ends with 9, which is no fault of the recipe.
      const strict = begins === 'monque why' ? '' : 'set -e\n';
      const shell = ['-c', `exec 2>&1\n${strict}${script}`];
      const ran = await promisify(execFile)('bash', shell, { cwd: folder, env }).then(
        ({ stdout }) => ({ code: 0, out: stdout }),
        (error: { code: number; stdout: string }) => ({ code: error.code, out: error.stdout }),
      );
      expect({ script, ...ran }).toEqual({ script, code, out: expect.stringContaining(shown) });
    }
  }, 180_000);
});
