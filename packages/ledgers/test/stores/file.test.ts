/**
 * What only the store in a file has: people who edit it while it is written.
 */
import {
  appendFile,
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineLifecycle, GONE } from '@monque/core/ledger';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  list,
  MarkdownRecordStore,
  MemoryRecordStore,
  RecordLedger,
  RecordStateError,
  text,
} from '../../src/index.ts';
import { withFileLock } from '../../src/store/file-lock.ts';
import { Replacement } from '../../src/store/replacement.ts';
import { put, STEP_FORMAT, stepIn, upTo } from '../kit.ts';

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

test('of two writers without a lock the one that came first writes nothing', async () => {
  const text = await readFile(store.path, 'utf8');
  const first = await Replacement.begin(store.path);
  const second = await Replacement.begin(store.path);
  await first.write('first');
  expect(await first.putInPlace()).toBe(false);
  expect(await readFile(store.path, 'utf8')).toBe(text);
  await second.write('second, which is longer');
  await second.write('second');
  expect(await second.putInPlace()).toBe(true);
  await first.end();
  await second.end();
  expect(await readFile(store.path, 'utf8')).toBe('second');
  expect(await readdir(folder)).toEqual(['L.md']);
});

test('without any lock, what was put in place is never lost', async () => {
  const path = join(folder, 'list.txt');
  await writeFile(path, '');
  const acknowledged: string[] = [];
  const writer = async (name: string): Promise<void> => {
    for (const turn of upTo(10)) {
      const replacement = await Replacement.begin(path);
      const before = await readFile(path, 'utf8');
      await replacement.write(`${before}${name}-${turn}\n`);
      if (await replacement.putInPlace()) acknowledged.push(`${name}-${turn}`);
      await replacement.end();
    }
  };
  await Promise.all(upTo(20).map((n) => writer(`W${n}`)));
  // Without a lock all of them may stop each other; one alone never is.
  await writer('alone');
  const kept = (await readFile(path, 'utf8')).trimEnd().split('\n');
  expect(kept.toSorted()).toEqual(acknowledged.toSorted());
  expect(acknowledged.length).toBeGreaterThanOrEqual(10);
  expect((await readdir(folder)).filter((name) => name.includes('list'))).toEqual(['list.txt']);
});

test('a write is refused when another one took the file over while it was decided', async () => {
  const refused = store.write(async () => {
    await (await Replacement.begin(store.path)).end();
    return { kind: 'add', record: stepIn('not_started') };
  });
  await expect(refused).rejects.toMatchObject({
    code: 'LEDGER_BUSY',
    message: expect.stringContaining('was lost'),
  });
  expect(await readFile(store.path, 'utf8')).not.toContain('S01');
});

test('a file keeps its permissions, and one in a folder that takes no files is refused', async () => {
  await chmod(store.path, 0o640);
  await put(store, stepIn('not_started'));
  expect((await stat(store.path)).mode & 0o777).toBe(0o640);
  const replacement = await Replacement.begin(store.path);
  await replacement.write('x');
  await rm(store.path);
  await mkdir(store.path);
  await expect(replacement.putInPlace()).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST|EPERM/);
  await replacement.end();
});

/** Takes the lock of a file away from its holder, and waits until the holder has seen it. */
async function loseLock(path: string, isHeld: () => boolean): Promise<void> {
  await rm(`${path}.lock`, { recursive: true });
  await vi.waitFor(() => expect(isHeld()).toBe(false), { timeout: 10_000 });
}

test('who holds a file is told when the lock is lost, and the next one gets it', async () => {
  await withFileLock(store.path, (_file, isHeld) => loseLock(store.path, isHeld));
  expect(await withFileLock(store.path, async (_file, isHeld) => isHeld())).toBe(true);
});

test('nothing is written once the lock is lost', async () => {
  const other = join(folder, 'other.md');
  await writeFile(other, '');
  const refused = store.write(async () => {
    await rm(`${store.path}.lock`, { recursive: true });
    // Locks are looked after once a second: the one that was taken first sees its loss first.
    await withFileLock(other, (_file, isHeld) => loseLock(other, isHeld));
    return { kind: 'add', record: stepIn('not_started') };
  });
  await expect(refused).rejects.toMatchObject({
    code: 'LEDGER_BUSY',
    message: expect.stringContaining('was lost'),
  });
  expect(await readFile(store.path, 'utf8')).not.toContain('S01');
});

test('a file with so long a name that none can be made beside it is refused', async () => {
  const long = new MarkdownRecordStore(join(folder, `${'x'.repeat(247)}.md`), STEP_FORMAT);
  await long.init();
  await expect(put(long, stepIn('not_started'))).rejects.toThrow('no file can be made beside it');
  expect(await readdir(folder)).toHaveLength(2);
});

test('a lock that another program holds for a minute makes a write give up', async () => {
  const lock = `${store.path}.lock`;
  await mkdir(lock);
  const later = new Date(Date.now() + 3_600_000);
  await utimes(lock, later, later);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    let ended: unknown;
    const settle = (end: unknown): void => {
      ended = end;
    };
    void put(store, stepIn('not_started')).then(settle, settle);
    while (ended === undefined) {
      await vi.advanceTimersToNextTimerAsync();
      await stat(lock);
    }
    expect(ended).toMatchObject({
      code: 'LEDGER_BUSY',
      message: `Another program holds ${lock}; try again, or remove it if none runs`,
    });
  } finally {
    vi.useRealTimers();
  }
  expect(await readFile(store.path, 'utf8')).not.toContain('S01');
});

test('a file with several errors names the first, and how many there are', async () => {
  const bad = '## Step S01 – One\n- **Status:** done\n\n## Step S02 – Two\n- **Status:** done\n';
  await writeFile(store.path, bad);
  await expect(put(store, stepIn('not_started', 'S03'))).rejects.toThrow(
    "S01 has a status that is none: 'done' (and 1 more errors)",
  );
});

test.each([
  ['another record', '\n## Step S02 – Two\n\n- **Status:** not_started\n', 'another record'],
  ['a block that is not closed', '\n```js\n', 'is never closed'],
])('a format that writes %s besides is not let do so', async (_what, more, said) => {
  const wordy = {
    parse: (given: string) => STEP_FORMAT.parse(given),
    parseRecords: (given: string) => STEP_FORMAT.parseRecords(given),
    write: (...given: Parameters<typeof STEP_FORMAT.write>) => STEP_FORMAT.write(...given) + more,
    template: () => '',
  };
  const before = await readFile(store.path, 'utf8');
  const careless = new MarkdownRecordStore(store.path, wordy);
  await expect(put(careless, stepIn('not_started'))).rejects.toThrow(said);
  const empty = new MarkdownRecordStore(store.path, { ...wordy, write: () => '' });
  await expect(put(empty, stepIn('not_started'))).rejects.toThrow('(S01: id, status, title');
  expect(await readFile(store.path, 'utf8')).toBe(before);
});

test('a verb that only makes records is refused for one that is there', () => {
  expect(new RecordStateError('x', 'a', 'make', [])).toMatchObject({
    code: 'RECORD_STATE',
    message: 'Expected x to be new for make, got a',
    allowedFrom: [],
  });
});
