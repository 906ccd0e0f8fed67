import { describe, expect, test } from 'vitest';
import { MonqueError } from './errors.ts';
import { defineLifecycle, GONE, JOB_LIFECYCLE, type TransitionRow } from './lifecycle.ts';
import { makeJob } from './testing/index.ts';

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
      },
    });
    expect(door.verbs).toEqual(['close', 'open', 'demolish']);
    expect(door.allowsFrom('close', 'open')).toBe(true);
    expect(door.allowsFrom('close', 'closed')).toBe(false);
    expect(door.applies('demolish', { status: 'closed' }, {})).toBe(true);
    expect(door.apply('close', { status: 'open', colour: 'red' }, {})).toEqual({
      status: 'closed',
      colour: 'red',
    });
  });

  test.each<[string, TransitionRow<string>, string]>([
    ['leads to', { from: ['open'], to: 'ajar' }, 'undeclared: ajar; never reached: closed'],
    ['comes from', { from: ['ajar'], to: 'closed' }, 'undeclared: ajar; never reached: none'],
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
    expect(() => define('ajar', 'closed')).toThrow('undeclared: ajar; never reached: none');
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

describe('guards', () => {
  const guarded = defineLifecycle({
    states: ['on'],
    initial: 'on',
    terminal: [],
    transitions: {
      absent: { from: ['on'], to: 'on', guards: [{ field: 'value', is: 'absent' }] },
      present: { from: ['on'], to: 'on', guards: [{ field: 'value', is: 'present' }] },
      equal: { from: ['on'], to: 'on', guards: [{ field: 'value', is: 'equal', to: 'wanted' }] },
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
});

describe('JOB_LIFECYCLE', () => {
  const { transitions, verbs, states } = JOB_LIFECYCLE;
  const leaving = verbs.filter(
    (verb) => transitions[verb].from.includes('processing') && verb !== 'requestCancel',
  );

  test('nothing but a claim leads to processing, except a request that stays there', () => {
    const leading = verbs.filter((verb) => transitions[verb].to === 'processing');
    expect(leading).toEqual(['claim', 'requestCancel']);
  });

  test('every verb that ends a claim is guarded by its token and clears the claim', () => {
    expect(leaving).toHaveLength(8);
    for (const verb of leaving) {
      const { guards = [], clear = [] } = transitions[verb];
      expect(guards).toContainEqual({ field: 'claimToken', is: 'equal', to: 'claimToken' });
      expect(clear).toEqual(expect.arrayContaining(['claimToken', 'claimedBy', 'lockedAt']));
    }
  });

  test('only the holder of a claim leaves its token as the last one', () => {
    const keeping = leaving.filter((verb) => transitions[verb].set?.lastToken === undefined);
    expect(keeping).toEqual(['rescue', 'rescueToFailed', 'rescueToCancelled']);
  });

  test('every verb that makes a job pending clears a request to cancel, or comes before one', () => {
    for (const verb of leaving.filter((name) => transitions[name].to === 'pending')) {
      const { guards = [], clear = [] } = transitions[verb];
      expect(guards).toContainEqual({ field: 'cancelRequestedAt', is: 'absent' });
      expect(clear).toContain('cancelRequestedAt');
    }
  });

  test('every verb to a finished state frees the lock and stamps the end', () => {
    const finishing = verbs.filter((verb) =>
      JOB_LIFECYCLE.terminal.some((state) => state === transitions[verb].to),
    );
    expect(finishing).toHaveLength(6);
    for (const verb of finishing) {
      expect(transitions[verb].clear).toContain('uniqueLock');
      expect(transitions[verb].set).toMatchObject({ finishedAt: 'now', updatedAt: 'now' });
    }
  });

  test('a job leaves a finished state only by being removed', () => {
    for (const state of JOB_LIFECYCLE.terminal) {
      expect(verbs.filter((verb) => JOB_LIFECYCLE.allowsFrom(verb, state))).toEqual(['remove']);
    }
    expect(states.filter((state) => JOB_LIFECYCLE.allowsFrom('remove', state))).not.toContain(
      'processing',
    );
  });

  test('of the verbs a rescue chooses from exactly one applies to every processing job', () => {
    const params = { deadInstanceId: 'dead', claimToken: 'token', lastRescueCount: 4 };
    const held = { status: 'processing', claimedBy: 'dead', claimToken: 'token' } as const;
    const records = [undefined, 0, 3, 4, 5].flatMap((rescueCount) => [
      { ...makeJob(held), ...(rescueCount !== undefined && { rescueCount }) },
      { ...makeJob(held), cancelRequestedAt: new Date(0), rescueCount },
    ]);
    for (const record of records) {
      const applying = (['rescue', 'rescueToFailed', 'rescueToCancelled'] as const).filter((verb) =>
        JOB_LIFECYCLE.applies(verb, record, params),
      );
      expect(applying).toHaveLength(1);
    }
  });
});
