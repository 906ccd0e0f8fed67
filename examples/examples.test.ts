import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensureBuilt, runNode } from '../packages/core/test/package/built.ts';
import { uriOf } from '../packages/core/test/package/mongo-uri.ts';
import {
  cleanupTestDb,
  closeMongoDb,
  describeWithMongo,
  getTestDb,
} from '../packages/core/test/setup/mongodb.ts';

const { MONGODB_URI: _, ...WITHOUT_MONGODB } = process.env;

beforeAll(ensureBuilt);
afterAll(closeMongoDb);

/** What an example prints; stderr must stay empty. */
async function run(file: string, env: NodeJS.ProcessEnv = WITHOUT_MONGODB): Promise<string> {
  const { stdout, stderr } = await runNode([file], { cwd: import.meta.dirname, env });
  expect(stderr).toBe('');
  return stdout;
}

function expectQuickstart(output: string): void {
  const lines = output.split('\n');
  const count = (word: string): number => lines.filter((line) => line.includes(` ${word} `)).length;
  expect(count('enqueued')).toBe(4);
  expect(count('duplicate')).toBe(1);
  expect(output).toContain('the key is taken; same job: true');
  expect(count('failed')).toBe(2);
  expect(count('completed')).toBe(4);
  expect(output).toContain('All jobs are done.');
}

describe('the quickstart', () => {
  test('runs, retries, delays and deduplicates jobs in memory and ends by itself', async () => {
    const output = await run('quickstart.mjs');
    expect(output).toContain('Jobs are kept in memory.');
    expectQuickstart(output);
  });

  describeWithMongo('on MongoDB', () => {
    test('does the same with the jobs in the database that MONGODB_URI names', async () => {
      const db = await getTestDb('quickstart');
      try {
        const env = { ...process.env, MONGODB_URI: uriOf(db.databaseName) };
        const output = await run('quickstart.mjs', env);
        expect(output).toContain(`Jobs are kept in MongoDB: ${db.databaseName}.monque_quickstart`);
        expectQuickstart(output);
        const statuses = await db.collection('monque_quickstart').distinct('status');
        expect(statuses).toEqual(['completed']);
      } finally {
        await cleanupTestDb(db);
      }
    });
  });
});

// What the others print stands in docs/examples, and packages/core/test/docs compares it.
test('every other example has a page in docs/examples', async () => {
  const programs = (await readdir(import.meta.dirname)).filter((file) => file.endsWith('.mjs'));
  // docs/guides/dashboard.md shows how the dashboard is mounted.
  const examples = programs.filter((file) => !file.startsWith('dashboard-'));
  const pages = await readdir(new URL('../docs/examples', import.meta.url));
  // Those of the outbox are a folder, with a test of its own.
  const expected = pages
    .filter((page) => page !== 'outbox.md')
    .map((page) => page.replace(/\.md$/, '.mjs'));
  expect(examples.sort()).toEqual([...expected, 'quickstart.mjs'].sort());
});
