/**
 * What only the store in a file has: people who edit it while it is written.
 */
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineLifecycle, GONE } from '@monque/core/ledger';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  list,
  MarkdownRecordStore,
  MemoryRecordStore,
  RecordLedger,
  text,
} from '../../src/index.ts';
import { put, STEP_FORMAT, stepIn } from '../kit.ts';

let folder = '';
let store: MarkdownRecordStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ledger-'));
  store = new MarkdownRecordStore(join(folder, 'L.md'), STEP_FORMAT);
  await store.init();
});
afterEach(() => rm(folder, { recursive: true }));

test('an edit while a write is decided is kept, and the write is decided again', async () => {
  let decisions = 0;
  await store.write(async () => {
    decisions += 1;
    if (decisions === 1) await appendFile(store.path, '\nAn edit\n');
    return { kind: 'add', record: stepIn('not_started') };
  });
  expect(decisions).toBe(2);
  expect(await readFile(store.path, 'utf8')).toMatch(/An edit[\s\S]*Step S01/);
});

test('edits without an end make a write give up, and leave the file to them', async () => {
  const refused = store.write(async () => {
    await appendFile(store.path, '\nAn edit\n');
    return { kind: 'add', record: stepIn('not_started') };
  });
  await expect(refused).rejects.toMatchObject({ code: 'LEDGER_BUSY' });
  expect(await readFile(store.path, 'utf8')).not.toContain('S01');
});

test('a lock that is taken away meanwhile is noticed, and the write ends well or not at all', async () => {
  await store.write(async () => {
    await rm(`${store.path}.lock`, { recursive: true });
    return { kind: 'add', record: stepIn('not_started') };
  });
  expect(await store.get('S01')).toMatchObject({ status: 'not_started' });
  await put(store, stepIn('not_started', 'S02'));
});

test('stores add no record over another one, whatever is decided', async () => {
  for (const one of [store, new MemoryRecordStore()]) {
    await put(one, stepIn('not_started'));
    await expect(put(one, stepIn('verified'))).rejects.toMatchObject({ code: 'RECORD_EXISTS' });
    expect(await one.get('S01')).toMatchObject({ status: 'not_started' });
  }
});

test.each([
  ['a reserved name', { fields: { id: text() } }, 'fields'],
  ['a row of a field that is not declared', { fields: {} }, 'lifecycle.go'],
  [
    'a history without an end',
    { fields: { note: text() }, historyLimit: 0 },
    'options.historyLimit',
  ],
])('a ledger with %s is refused', (_what, options, field) => {
  const lifecycle = defineLifecycle({
    states: ['a'],
    initial: 'a',
    terminal: [],
    transitions: { go: { from: ['a'], to: 'a', set: { note: 'note' } } },
  });
  const make = (): unknown =>
    new RecordLedger({ lifecycle, store: new MemoryRecordStore(), ...options });
  expect(make).toThrow(expect.objectContaining({ field }));
});

test('a ledger whose records leave it is refused: it forgets none', () => {
  const lifecycle = defineLifecycle({
    states: ['a'],
    initial: 'a',
    terminal: [],
    transitions: { drop: { from: ['a'], to: GONE } },
  });
  const make = (): unknown =>
    new RecordLedger({ lifecycle, store: new MemoryRecordStore(), fields: { notes: list() } });
  expect(make).toThrow('a state: a ledger forgets no record');
});

test('guards say what they miss', async () => {
  const lifecycle = defineLifecycle({
    states: ['a', 'b'],
    initial: 'a',
    terminal: ['b'],
    transitions: {
      go: { from: ['a'], to: 'b', guards: [{ field: 'note', is: 'present' }] },
      leave: {
        from: ['a'],
        to: 'b',
        guards: [
          { field: 'note', is: 'absent' },
          { field: 'other', is: 'absent' },
        ],
      },
    },
  });
  const ledger = new RecordLedger({
    lifecycle,
    store: new MemoryRecordStore(),
    fields: { note: text(), other: text() },
  });
  await ledger.add('x', {}, { actor: 'Ann' });
  await ledger.add('y', { note: 'n', other: 'o' }, { actor: 'Ann' });
  await expect(ledger.move('go', 'x', {}, { actor: 'Ann' })).rejects.toThrow('x has no note');
  await expect(ledger.move('leave', 'y', {}, { actor: 'Ann' })).rejects.toThrow(
    "y breaks a guard of leave: it has 'n' as note, or has 'o' as other",
  );
});
