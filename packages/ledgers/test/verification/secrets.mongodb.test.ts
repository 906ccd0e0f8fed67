/**
 * A secret that a check prints appears nowhere: not in the file, the database, the logs, the events or the errors.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Monque } from '@monque/core';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { closeMongoDb, describeWithMongo, getTestDb } from '../../../core/test/setup/mongodb.ts';
import {
  CheckRunner,
  MarkdownRecordStore,
  MongoRecordStore,
  type RecordStore,
  Redactor,
  readSecrets,
  VerificationFormat,
  VerificationLedger,
} from '../../src/index.ts';

const SECRET = 'hunter2-Sécret/+=?&';
const KEY =
  '-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\nAbCdEfGhIjKlMnOpQrStUvWx\n-----END KEY-----';
const NAMED = 'named-variable-value';

/** Every form in which the values may not appear. */
const FORBIDDEN = [
  ...[SECRET, NAMED, 'MIIEvQIBADANBgkqhkiG9w0BAQ', 'AbCdEfGhIjKlMnOpQrStUvWx'],
  ...[SECRET, NAMED].flatMap((value) => [
    Buffer.from(value).toString('base64').replace(/=+$/, ''),
    Buffer.from(value).toString('hex'),
    encodeURIComponent(value),
  ]),
];

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ledger-'));
  process.env.LEDGER_TEST_NAMED = NAMED;
});
afterEach(async () => {
  delete process.env.LEDGER_TEST_NAMED;
  await rm(folder, { recursive: true });
});
afterAll(closeMongoDb);

/** Prints the secrets in every form, alone and among much other output, and throws with one. */
const LEAKY = [
  '. ./.env',
  'cat .env',
  "node -e \"for (const v of [process.env.TOKEN, process.env.LEDGER_TEST_NAMED]) for (const f of [v, JSON.stringify(v), encodeURIComponent(v), Buffer.from(v).toString('base64'), Buffer.from(v).toString('base64url'), Buffer.from(v).toString('hex')]) console.log(f, 'x'.repeat(Number(process.env.PAD ?? 0)) + f)\"",
  'exit 1',
].join('; ');

describeWithMongo('a secret that a check prints', () => {
  test.each(['a file', 'MongoDB'])('appears nowhere, with the ledger in %s', async (where) => {
    await writeFile(
      join(folder, '.env'),
      `export TOKEN='${SECRET}'\nexport KEY="${KEY}"\nPORT=3000\n`,
    );
    const db = await getTestDb('secrets');
    const logged: unknown[] = [];
    const note = (...entries: unknown[]): void => void logged.push(entries);
    const logger = { debug: note, info: note, warn: note, error: note };
    const scheduler = new Monque(db, { logger });
    const redactor = await readSecrets({
      envFiles: [join(folder, '.env'), join(folder, 'none.env')],
      variables: ['LEDGER_TEST_NAMED', 'NOT_SET'],
    });
    const functions = {
      throws: () => {
        throw new Error(`Cannot log in with ${SECRET}`);
      },
    };
    const runner = new CheckRunner({
      scheduler,
      redactor,
      root: folder,
      functions,
      outputLength: 300,
    });
    const path = join(folder, 'LEDGER.md');
    const file = new MarkdownRecordStore(path, new VerificationFormat());
    await file.init();
    const store: RecordStore = where === 'a file' ? file : new MongoRecordStore(db);
    const ledger = new VerificationLedger({ store, runner, redactor });
    ledger.on('step:drifted', note).on('verification:finished', note);
    scheduler.on('job:complete', note).on('job:fail', note);
    await scheduler.start();
    const by = { actor: 'Ann', run: 'run-001', reason: `because of ${SECRET}` };
    // Paddings that put the cut of the output into the middle of a secret.
    const commands = [0, 1, 7, 13, 50, 160].map((pad) => ({
      text: `pad ${pad}`,
      check: { command: `export PAD=${pad}; ${LEAKY}` },
    }));
    await ledger.add(
      'S01',
      {
        title: `Log in with ${SECRET}`,
        concerns: [KEY],
        invariants: [...commands, { text: 'x', check: { function: 'throws' } }],
      },
      by,
    );
    await ledger.start('S01', by);
    await ledger.complete('S01', by);
    const report = await ledger.reverify({ actor: 'Bob', run: 'run-002' });
    expect(report.steps[0]?.outcome).toBe('drift');
    await ledger.log('S01', `It is ${NAMED}`, by);
    await scheduler.stop();

    const collections = await db.listCollections().toArray();
    const stored = await Promise.all(
      collections.map(({ name }) => db.collection(name).find().toArray()),
    );
    const everything = [
      await readFile(path, 'utf8'),
      JSON.stringify(stored),
      JSON.stringify(logged),
      JSON.stringify(report),
    ];
    for (const text of everything) {
      for (const secret of FORBIDDEN) expect(text.includes(secret) ? secret : '').toBe('');
    }
    expect(everything.join()).toContain('[redacted TOKEN]');
    expect(everything.join()).toContain('[redacted LEDGER_TEST_NAMED]');
    await db.dropDatabase();
  });
});

test('a command that holds a secret is refused, since it could not run without it', async () => {
  const redactor = new Redactor([['TOKEN', SECRET]]);
  const file = new MarkdownRecordStore(join(folder, 'L.md'), new VerificationFormat());
  await file.init();
  const ledger = new VerificationLedger({ store: file, redactor });
  const invariants = [{ text: 'x', check: { command: `curl -H 'token: ${SECRET}' localhost` } }];
  const refused = ledger.add('S01', { title: 'x', invariants }, { actor: 'Ann' });
  await expect(refused).rejects.toMatchObject({ field: 'invariants[0].check' });
  await expect(refused).rejects.not.toThrow(SECRET);
  await expect(refused).rejects.toThrow(
    'without the value of TOKEN; use the variable in the command',
  );
});

test('values that say nothing are no secrets, short ones that say something are', () => {
  const redactor = new Redactor([
    ['A', 'true'],
    ['B', '3000'],
    ['C', ''],
    ['D', 'abc'],
    ['E', 'abcd'],
    ['F', 'abc'],
  ]);
  expect(redactor.redact('true 3000 abc abcd xabcx')).toBe(
    'true 3000 [redacted D] [redacted E] x[redacted D]x',
  );
  expect(redactor.find('nothing')).toBeUndefined();
  expect(new Redactor([]).redact('all')).toBe('all');
});

test('secrets are those of .env in the working directory and those that are given, and a file that cannot be read is no empty one', async () => {
  expect((await readSecrets()).redact('x')).toBe('x');
  expect(
    (await readSecrets({ envFiles: [], values: ['first-value', 'second-value'] })).redact(
      'a second-value',
    ),
  ).toBe('a [redacted value 2]');
  await expect(readSecrets({ envFiles: [folder] })).rejects.toThrow('EISDIR');
});
