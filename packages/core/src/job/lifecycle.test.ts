import { describe, expect, test } from 'vitest';
import { MonqueError } from '../foundation/errors.ts';
import { defineLifecycle, GONE, STAYS, type TransitionRow } from './lifecycle.ts';

const row = { from: ['open'], to: 'closed' } as const;

describe('defineLifecycle', () => {
  test('a table of states and verbs answers what is allowed from where', () => {
    const door = defineLifecycle({
      states: ['open', 'closed'],
      initial: 'open',
      terminal: [],
      transitions: {
        close: row,
        open: { from: ['closed'], to: 'open' },
        demolish: { from: ['open', 'closed'], to: GONE },
        paint: { from: ['open', 'closed'], to: STAYS, set: { colour: 'colour' } },
      },
    });
    expect(door.verbs).toEqual(['close', 'open', 'demolish', 'paint']);
    expect(door.allowsFrom('close', 'open')).toBe(true);
    expect(door.allowsFrom('close', 'closed')).toBe(false);
    expect(door.applies('demolish', { status: 'closed' }, {})).toBe(true);
    expect(door.apply('close', { status: 'open', colour: 'red' }, {})).toEqual({
      status: 'closed',
      colour: 'red',
    });
    expect(door.apply('paint', { status: 'closed' }, { colour: 'blue' })).toEqual({
      status: 'closed',
      colour: 'blue',
    });
  });

  test.each<[string, TransitionRow<string>, string]>([
    ['leads to', { from: ['open'], to: 'ajar' }, 'undeclared: ajar; never reached: closed'],
    ['comes from', { from: ['ajar'], to: 'closed' }, 'undeclared: ajar; never reached: closed'],
  ])('a verb that %s an undeclared state is refused', (_what, transition, message) => {
    const define = (): unknown =>
      defineLifecycle({
        states: ['open', 'closed'] as string[],
        initial: 'open',
        terminal: [],
        transitions: { move: transition },
      });
    expect(define).toThrow(MonqueError);
    expect(define).toThrow(expect.objectContaining({ code: 'INVALID_LIFECYCLE' }));
    expect(define).toThrow(message);
  });

  test('an undeclared initial or terminal state is refused', () => {
    const define = (initial: string, terminal: string): unknown =>
      defineLifecycle({
        states: ['open', 'closed'] as string[],
        initial,
        terminal: [terminal],
        transitions: { close: row, open: { from: ['closed'], to: 'open' } },
      });
    expect(() => define('ajar', 'closed')).toThrow('undeclared: ajar; never reached: open, closed');
    expect(() => define('open', 'locked')).toThrow('undeclared: locked; never reached: none');
    expect(() => define('open', 'closed')).not.toThrow();
  });

  test('a state that no verb leads to is refused', () => {
    const define = (): unknown =>
      defineLifecycle({
        states: ['open', 'closed', 'locked'],
        initial: 'open',
        terminal: [],
        transitions: { close: row },
      });
    expect(define).toThrow('undeclared: none; never reached: locked');
  });
});

describe('states that are reached', () => {
  const states = ['open', 'closed', 'locked', 'sealed'] as const;

  test('states that only lead to each other are refused', () => {
    const define = (): unknown =>
      defineLifecycle({
        states,
        initial: 'open',
        terminal: [],
        transitions: {
          close: row,
          seal: { from: ['locked'], to: 'sealed' },
          unseal: { from: ['sealed'], to: 'locked' },
        },
      });
    expect(define).toThrow('undeclared: none; never reached: locked, sealed');
  });

  test('a state in which records can be made is reached, and what follows from it', () => {
    const door = defineLifecycle({
      states,
      initial: 'open',
      terminal: [],
      transitions: {
        seal: { from: ['locked'], to: 'sealed' },
        close: row,
        deliver: { from: [], to: 'locked' },
      },
    });
    expect(door.states).toEqual(states);
  });
});

describe('guards', () => {
  const guarded = defineLifecycle({
    states: ['on'],
    initial: 'on',
    terminal: [],
    transitions: {
      absent: { from: ['on'], to: 'on', guards: [{ field: 'value', is: 'absent' }] },
      present: { from: ['on'], to: 'on', guards: [{ field: 'value', is: 'present' }] },
      equal: { from: ['on'], to: 'on', guards: [{ field: 'value', is: 'equal', to: 'wanted' }] },
      same: { from: ['on'], to: 'on', guards: [{ field: 'value', is: 'same', to: 'wanted' }] },
      differs: {
        from: ['on'],
        to: 'on',
        guards: [{ field: 'value', is: 'differs', to: 'wanted' }],
      },
      lists: { from: ['on'], to: 'on', guards: [{ field: 'value', is: 'lists', to: 'wanted' }] },
      includes: {
        from: ['on'],
        to: 'on',
        guards: [{ field: 'value', is: 'includes', to: 'wanted' }],
      },
      lacks: { from: ['on'], to: 'on', guards: [{ field: 'value', is: 'lacks', to: 'wanted' }] },
      atMost: { from: ['on'], to: 'on', guards: [{ field: 'value', is: 'atMost', to: 'wanted' }] },
      atLeast: {
        from: ['on'],
        to: 'on',
        guards: [{ field: 'value', is: 'atLeast', to: 'wanted' }],
      },
      below: { from: ['on'], to: 'on', guards: [{ field: 'value', is: 'below', to: 'wanted' }] },
    },
  });

  test.each<[keyof typeof guarded.transitions, unknown, unknown, boolean]>([
    ['absent', undefined, 1, true],
    ['absent', 0, 1, false],
    ['present', undefined, 1, false],
    ['present', 0, 1, true],
    ['equal', 'a', 'a', true],
    ['equal', 'a', 'b', false],
    ['equal', undefined, 'b', false],
    ['equal', new Date(5), new Date(5), true],
    ['equal', new Date(5), new Date(6), false],
    ['equal', new Date(5), 5, false],
    ['same', 'a', 'a', true],
    ['same', 'a', 'b', false],
    ['same', undefined, undefined, true],
    ['same', undefined, 0, false],
    ['same', 0, undefined, false],
    ['same', new Date(5), new Date(5), true],
    ['differs', 'a', 'b', true],
    ['differs', undefined, 'b', true],
    ['differs', 'b', 'b', false],
    ['lists', [{ name: 'a' }, { name: 'b' }], ['a', 'b'], true],
    ['lists', [{ name: 'a' }, { name: 'b' }], ['b', 'a'], false],
    ['lists', [{ name: 'a' }, { name: 'b' }], ['a'], false],
    ['lists', [{ name: 'a' }], ['a', 'b'], false],
    ['lists', [{ name: 'a' }], undefined, true],
    ['lists', [{ name: 'a' }], [], false],
    ['lists', undefined, [], true],
    ['includes', [{ name: 'a' }, { name: 'b' }], ['b'], true],
    ['includes', [{ name: 'a' }], ['a', 'b'], false],
    ['includes', undefined, ['a'], false],
    ['includes', undefined, [], true],
    ['includes', undefined, undefined, true],
    ['lacks', [{ name: 'a' }], 'b', true],
    ['lacks', [{ name: 'a' }], 'a', false],
    ['lacks', undefined, 'a', true],
    ['atMost', 4, 5, true],
    ['atMost', 5, 5, true],
    ['atMost', 6, 5, false],
    ['atMost', new Date(5), new Date(5), true],
    ['atMost', new Date(6), new Date(5), false],
    ['atLeast', 4, 5, false],
    ['atLeast', 5, 5, true],
    ['atLeast', undefined, 0, true],
    ['atLeast', undefined, 1, false],
    ['below', 4, 5, true],
    ['below', 5, 5, false],
    ['below', undefined, 1, true],
    ['below', undefined, 0, false],
  ])('%s of a field %s with %s is %s', (verb, value, wanted, expected) => {
    const record = { status: 'on' as const, ...(value !== undefined && { value }) };
    expect(guarded.applies(verb, record, { wanted })).toBe(expected);
  });
});

describe('effects', () => {
  const effective = defineLifecycle({
    states: ['a', 'b'],
    initial: 'a',
    terminal: [],
    transitions: {
      move: {
        from: ['a'],
        to: 'b',
        set: { stamp: 'now' },
        increment: ['count'],
        clear: ['lock'],
      },
      replace: { from: ['a'], to: 'b', replace: { plan: 'plan' } },
      reset: { from: ['a'], to: 'b', reset: ['count'] },
      append: { from: ['a'], to: 'b', append: { list: { from: 'items', most: 3 } } },
    },
  });

  test('fields are set, raised and cleared, and the record itself stays as it was', () => {
    const record = { status: 'a' as const, count: 2, lock: 'x', other: 1 };
    const next = effective.apply('move', record, { now: 9 });
    expect(next).toStrictEqual({ status: 'b', count: 3, other: 1, stamp: 9 });
    expect(record).toStrictEqual({ status: 'a', count: 2, lock: 'x', other: 1 });
  });

  test('a parameter that is not given leaves its field alone', () => {
    const record = { status: 'a' as const, stamp: 5 };
    expect(effective.apply('move', record, { now: undefined })).toStrictEqual({
      status: 'b',
      stamp: 5,
      count: 1,
    });
    expect(effective.apply('move', { status: 'a' }, {})).toStrictEqual({ status: 'b', count: 1 });
  });

  test('an absent number is raised from zero', () => {
    expect(effective.apply('move', { status: 'a' }, { now: 9 })).toMatchObject({ count: 1 });
  });

  test('a replaced field is set to its parameter, or removed when that is not given', () => {
    const record = { status: 'a' as const, plan: 'old' };
    const replace = (params: object): unknown => effective.apply('replace', record, { ...params });
    expect(replace({ plan: 'new' })).toStrictEqual({ status: 'b', plan: 'new' });
    expect(replace({})).toStrictEqual({ status: 'b' });
    expect(replace({ plan: undefined })).toStrictEqual({ status: 'b' });
    expect(effective.apply('replace', { status: 'a' }, {})).toStrictEqual({ status: 'b' });
  });

  test('a number is reset to zero, also when it is absent', () => {
    expect(effective.apply('reset', { status: 'a' as const, count: 7 }, {})).toStrictEqual({
      status: 'b',
      count: 0,
    });
    expect(effective.apply('reset', { status: 'a' }, {})).toStrictEqual({ status: 'b', count: 0 });
  });

  test('items are appended to a list, of which the newest stay', () => {
    const record = { status: 'a' as const, list: [1, 2] };
    const append = (items?: readonly number[]): unknown =>
      effective.apply('append', record, { items });
    expect(append([3])).toStrictEqual({ status: 'b', list: [1, 2, 3] });
    expect(append([3, 4])).toStrictEqual({ status: 'b', list: [2, 3, 4] });
    expect(append([3, 4, 5, 6])).toStrictEqual({ status: 'b', list: [4, 5, 6] });
    expect(append()).toStrictEqual({ status: 'b', list: [1, 2] });
    expect(record.list).toStrictEqual([1, 2]);
  });

  test('a list that is absent begins with what is appended to it', () => {
    const items = [1, 2, 3, 4];
    expect(effective.apply('append', { status: 'a' }, { items })).toStrictEqual({
      status: 'b',
      list: [2, 3, 4],
    });
    expect(effective.apply('append', { status: 'a' }, {})).toStrictEqual({ status: 'b' });
  });
});
