/**
 * What a ledger of any records promises, on one kind of store.
 */
import { InvalidArgumentError } from '@monque/core';
import { defineLifecycle, STAYS } from '@monque/core/ledger';
import { afterAll, describe, expect, test } from 'vitest';
import {
  checklist,
  count,
  ids,
  LedgerDocument,
  type LedgerFormat,
  LedgerRuleError,
  list,
  namedLists,
  oneOf,
  RecordExistsError,
  RecordLedger,
  RecordNotFoundError,
  type RecordStore,
  text,
  time,
} from '../../src/index.ts';
import { clockAt, START, type StoreKind } from '../kit.ts';

const LOAN_LIFECYCLE = defineLifecycle({
  states: ['free', 'lent', 'lost'],
  initial: 'free',
  terminal: ['lost'],
  transitions: {
    lend: {
      from: ['free'],
      to: 'lent',
      guards: [{ field: 'lendings', is: 'below', to: 'most' }],
      set: { reader: 'reader', dueAt: 'dueAt' },
      increment: ['lendings'],
    },
    giveBack: {
      from: ['lent'],
      to: 'free',
      guards: [{ field: 'reader', is: 'equal', to: 'reader' }],
      clear: ['reader', 'dueAt'],
    },
    remark: {
      from: ['free', 'lent'],
      to: STAYS,
      replace: { shelf: 'shelf' },
      append: { remarks: { from: 'remarks', most: 3 } },
      reset: ['lendings'],
    },
    lose: { from: ['lent'], to: 'lost' },
  },
});

const FIELDS = {
  title: text(),
  reader: text(),
  dueAt: time(' UTC'),
  lendings: count(),
  shelf: text(),
  kind: oneOf({ book: '📕 BOOK', film: '🎞 FILM' }),
  remarks: list(),
  parts: checklist(),
  related: ids(),
  lists: namedLists(),
};

const FORMAT: LedgerFormat = new LedgerDocument({
  fields: FIELDS,
  level: 2,
  parseHeading(heading) {
    const [, id, title = ''] = /^(\S+) (.*)$/.exec(heading) ?? [];
    return id === undefined ? undefined : { id, title };
  },
  renderHeading: (id, title) => `${id} ${title}`,
  lineStyle: 'item',
  lines: [
    'status',
    'createdAt',
    'updatedAt',
    'reader',
    'dueAt',
    'lendings',
    'shelf',
    'kind',
    'related',
  ].map((field) => ({ field, label: field })),
  sections: ['remarks', 'parts', 'lists', 'history'].map((field) => ({ field, label: field })),
  status: { ...oneOf({ free: 'free', lent: 'lent', lost: 'lost' }), empty: 'free' },
  time: time(' UTC'),
  template: '# Library\n',
});

type Library = RecordLedger<'free' | 'lent' | 'lost', 'lend' | 'giveBack' | 'remark' | 'lose'>;

const BY = { actor: 'Ann' };

function libraryOn(store: RecordStore, options: object = {}): Library {
  return new RecordLedger({
    lifecycle: LOAN_LIFECYCLE,
    fields: FIELDS,
    store,
    clock: clockAt(),
    required: ['title'],
    ...options,
  });
}

/** The tests of a ledger of records on one kind of store. */
export function recordsContract(kind: StoreKind): void {
  describe(`a ledger of records, ${kind.name}:`, () => {
    afterAll(() => kind.close());

    const library = async (options?: object): Promise<Library> =>
      libraryOn((await kind.make(FORMAT))(), options);

    test('a record that is added is read back as it is, with empty lists and its history', async () => {
      const ledger = await library();
      const added = await ledger.add(
        'b-1',
        { title: 'Emma', kind: 'book', parts: [{ text: 'Cover', done: true }] },
        { ...BY, reason: 'a\n gift' },
      );
      expect(added).toStrictEqual({
        ...{
          id: 'b-1',
          status: 'free',
          title: 'Emma',
          kind: 'book',
          createdAt: START,
          updatedAt: START,
        },
        ...{ remarks: [], related: [], lists: [], parts: [{ text: 'Cover', done: true }] },
        history: [{ at: START, verb: 'add', actor: 'Ann', reason: 'a gift' }],
      });
      expect(await ledger.get('b-1')).toStrictEqual(added);
      expect(await ledger.get('b-2')).toBeNull();
    });

    test('an id is taken once, and is no path, operator or prototype', async () => {
      const ledger = await library();
      await ledger.add('b-1', { title: 'Emma' }, BY);
      await expect(ledger.add('b-1', { title: 'Emma' }, BY)).rejects.toBeInstanceOf(
        RecordExistsError,
      );
      for (const id of [
        '',
        '__proto__',
        '$ledger',
        'a/b',
        'a b',
        '../x',
        'x'.repeat(101),
        5 as unknown as string,
      ]) {
        await expect(ledger.add(id, { title: 'Emma' }, BY)).rejects.toBeInstanceOf(
          InvalidArgumentError,
        );
      }
      expect(await ledger.all()).toHaveLength(1);
    });

    test('a verb writes what its row says, and bounded lists keep their newest items', async () => {
      const ledger = await library({ historyLimit: 3 });
      await ledger.add('b-1', { title: 'Emma' }, BY);
      const lent = await ledger.move(
        'lend',
        'b-1',
        { reader: 'Bob', dueAt: new Date(START.getTime() + 1500), most: 2 },
        { ...BY, run: 'r.1' },
      );
      expect(lent).toMatchObject({
        status: 'lent',
        reader: 'Bob',
        dueAt: new Date(START.getTime() + 1000),
        lendings: 1,
      });
      expect(lent.history.at(-1)).toStrictEqual({
        at: START,
        verb: 'lend',
        from: 'free',
        to: 'lent',
        actor: 'Ann',
        run: 'r.1',
      });
      await ledger.move('remark', 'b-1', { remarks: ['1', '2\n\n- two'], shelf: 'A' }, BY);
      const remarked = await ledger.move('remark', 'b-1', { remarks: ['3', '4'] }, BY);
      expect(remarked).toMatchObject({ remarks: ['2\n\n- two', '3', '4'], lendings: 0 });
      expect(remarked.shelf).toBeUndefined();
      const back = await ledger.move('giveBack', 'b-1', { reader: 'Bob' }, BY);
      expect(back).not.toHaveProperty('reader');
      expect(back.history.map(({ verb }) => verb)).toEqual(['remark', 'remark', 'giveBack']);
      expect(await ledger.get('b-1')).toStrictEqual(back);
    });

    test('a guard that does not hold changes nothing and says what does not fit', async () => {
      const ledger = await library();
      await ledger.add('b-1', { title: 'Emma' }, BY);
      const before = await ledger.move('lend', 'b-1', { reader: 'Bob', most: 1 }, BY);
      const refused = ledger.move('giveBack', 'b-1', { reader: 'Cy' }, BY);
      await expect(refused).rejects.toThrow(
        "b-1 has 'Bob' as reader, which does not fit 'Cy' (equal)",
      );
      await expect(refused).rejects.toBeInstanceOf(LedgerRuleError);
      expect(await ledger.get('b-1')).toStrictEqual(before);
    });

    test.each([
      ['a verb that is none', () => ['fly', {}], 'verb'],
      ['a parameter that is none', () => ['lose', { why: 'x' }], 'lose'],
      ['an own parameter', () => ['lend', { now: START, reader: 'x', most: 1 }], 'lend'],
      ['a guard without its value', () => ['giveBack', {}], 'giveBack.reader'],
      ['an operator for a text', () => ['giveBack', { reader: { $ne: 'x' } }], 'giveBack.reader'],
      [
        'an invalid date',
        () => ['lend', { reader: 'x', most: 1, dueAt: new Date('x') }],
        'lend.dueAt',
      ],
      ['a list that is none', () => ['remark', { remarks: 'x' }], 'remark.remarks'],
    ] as const)('%s is refused before anything is read', async (_what, call, field) => {
      const ledger = await library();
      const [verb, params] = call();
      const refused = ledger.move(verb as 'lose', 'nothing', { ...params }, BY);
      await expect(refused).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field });
    });

    test.each([
      [{ actor: '' }, 'by.actor'],
      [{ actor: 'a: b' }, 'by.actor'],
      [{ actor: 'a\nb' }, 'by.actor'],
      [{ actor: 'a', run: 'a b' }, 'by.run'],
      [{ actor: 'a', reason: 'x'.repeat(1001) }, 'by.reason'],
      [{ actor: 'a', reason: 5 }, 'by.reason'],
    ])('%o is refused as who did it', async (by, field) => {
      const ledger = await library();
      await expect(ledger.add('b-1', { title: 'x' }, by as typeof BY)).rejects.toMatchObject({
        field,
      });
    });

    test.each([
      [{}, 'title'],
      [{ title: 'x', colour: 'red' }, 'values'],
      [{ title: 'x\ny' }, 'title'],
      [{ title: '_e.g. a title_' }, 'title'],
      [{ title: 'x\u0000' }, 'title'],
      [{ title: 'x\ud800' }, 'title'],
      [{ title: 'x', lendings: -1 }, 'lendings'],
      [{ title: 'x', kind: 'song' }, 'kind'],
      [{ title: 'x', related: ['a b'] }, 'related[0]'],
      [{ title: 'x', remarks: [' \n'] }, 'remarks[0]'],
      [{ title: 'x', parts: [{ text: 'x', done: 'yes' }] }, 'parts[0].done'],
      [{ title: 'x', parts: [{ text: 'x', done: true, more: 1 }] }, 'parts[0]'],
      [{ title: 'x', parts: ['x'] }, 'parts[0]'],
      [{ title: 'x', lists: [{ name: 'a*b', items: [] }] }, 'lists[0].name'],
    ])('%o is refused as the fields of a record', async (values, field) => {
      const ledger = await library();
      await expect(ledger.add('b-1', values, BY)).rejects.toMatchObject({ field });
      expect(await ledger.all()).toEqual([]);
    });

    test('lists are filtered, ordered by id and bounded', async () => {
      const ledger = await library();
      for (const id of ['c', 'a', 'B', 'b'])
        await ledger.add(id, { title: `Title ${id}`, kind: id === 'a' ? 'film' : 'book' }, BY);
      await ledger.move('lend', 'c', { reader: 'Bob', most: 1 }, BY);
      const found = async (query: object): Promise<string[]> =>
        (await ledger.list(query)).map(({ id }) => id);
      expect(await found({})).toEqual(['B', 'a', 'b', 'c']);
      expect(await found({ status: ['free'] })).toEqual(['B', 'a', 'b']);
      expect(await found({ where: { kind: 'book' }, after: 'B' })).toEqual(['b', 'c']);
      expect(await found({ where: { reader: 'Bob' } })).toEqual(['c']);
      expect(await found({ ids: ['c', 'a', 'z'] })).toEqual(['a', 'c']);
      expect(await found({ limit: 2, after: 'B' })).toEqual(['a', 'b']);
      await expect(ledger.list({ limit: 0 })).rejects.toMatchObject({ field: 'query.limit' });
    });

    test('a verb on a record that is not there says so', async () => {
      const ledger = await library();
      await expect(ledger.move('lose', 'b-9', {}, BY)).rejects.toBeInstanceOf(RecordNotFoundError);
    });

    test('what is changed in a record that was given changes nothing in the ledger', async () => {
      const ledger = await library();
      const added = await ledger.add('b-1', { title: 'Emma', remarks: ['x'] }, BY);
      (added.remarks as string[]).push('y');
      const read = await ledger.get('b-1');
      (read as unknown as { history: unknown[] }).history.push('z');
      expect(await ledger.get('b-1')).toMatchObject({ remarks: ['x'], history: [{ verb: 'add' }] });
    });

    test('a write that throws leaves the ledger as it was and open for the next', async () => {
      const ledger = await library();
      const failed = ledger.store.write(async () => {
        throw new Error('Changed my mind');
      });
      await expect(failed).rejects.toThrow('Changed my mind');
      await ledger.add('b-1', { title: 'Emma' }, BY);
      expect(await ledger.all()).toHaveLength(1);
    });

    test('secrets are taken out of texts of every depth, and of the reason', async () => {
      const redact = (given: string): string => given.replaceAll('hunter2', '[redacted]');
      const ledger = await library({ redact });
      const values = {
        title: 'hunter2',
        remarks: ['a hunter2'],
        parts: [{ text: 'hunter2', done: true }],
        dueAt: START,
      };
      const added = await ledger.add('b-1', values, { ...BY, reason: 'hunter2' });
      expect(JSON.stringify(added)).not.toContain('hunter2');
      expect(added).toMatchObject({ dueAt: START, parts: [{ text: '[redacted]', done: true }] });
    });
  });
}
