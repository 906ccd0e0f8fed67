import { describe, expect, test } from 'vitest';
import { InvalidArgumentError, type Job, type JobContext, Monque } from '../../src/index.ts';
import { InMemoryLedgerRepository } from '../../src/ledger/memory/in-memory-ledger-repository.ts';
import { LEDGER_VERBS } from '../../src/ledger/verbs/verb-table.ts';
import { FaultyLedgerRepository } from '../../src/testing/faulty-ledger-repository.ts';
import { ManualClock, makeTestMonque } from '../../src/testing/index.ts';
import { makeOne } from './kit.ts';

/** A scheduler as it is without types, since nothing else gives it such values. */
// biome-ignore lint/suspicious/noExplicitAny: The types would refuse what is to be refused.
type Untyped = any;

const LONG = 'x'.repeat(257);
const NO_ID = 'not an id';

/** What is wrong, and a call of it. */
type Case = readonly [field: string, what: string, call: (monque: Untyped) => unknown];

const LIMITS: readonly Case[] = [
  ['key', 'empty', (monque) => monque.setLimit('', {})],
  ['key', 'too long', (monque) => monque.setLimit(LONG, {})],
  ['key', 'no text', (monque) => monque.setLimit(7, {})],
  ['key', 'that of a worker', (monque) => monque.setLimit('worker:a', {})],
  ['limit', 'missing', (monque) => monque.setLimit('api')],
  ['limit', 'with an unknown field', (monque) => monque.setLimit('api', { concurrent: 1 })],
  ['limit.concurrency', 'below 0', (monque) => monque.setLimit('api', { concurrency: -1 })],
  ['limit.concurrency', 'no integer', (monque) => monque.setLimit('api', { concurrency: 1.5 })],
  ['limit.rate', 'no object', (monque) => monque.setLimit('api', { rate: 5 })],
  ['limit.rate.per', 'missing', (monque) => monque.setLimit('api', { rate: { limit: 5 } })],
  ['limit.rate.limit', '0', (monque) => monque.setLimit('api', { rate: { limit: 0, per: 1 } })],
  ['limit.rate', 'too fast', (monque) => monque.setLimit('api', { rate: { limit: 11, per: 1 } })],
  [
    'limit.rate.burst',
    '0',
    (monque) => monque.setLimit('api', { rate: { limit: 1, per: 1, burst: 0 } }),
  ],
  ['options.reason', 'no text', (monque) => monque.setLimit('api', {}, { reason: 1 })],
  ['options.limits', 'no list', (monque) => monque.worker('a', () => 1, { limits: 'api' })],
  ['options.limits[1]', 'empty', (monque) => monque.worker('a', () => 1, { limits: ['b', ''] })],
  ['options.limits', 'twice', (monque) => monque.worker('a', () => 1, { limits: ['b', 'b'] })],
  [
    'options.limit.concurrency',
    'below 0',
    (monque) => monque.worker('a', () => 1, { limit: { concurrency: -1 } }),
  ],
];

const GROUPS: readonly Case[] = [
  ['name', 'empty', (monque) => monque.setGroup('', 'acme', {})],
  ['group', 'empty', (monque) => monque.setGroup('a', '', {})],
  ['group', 'too long', (monque) => monque.setGroup('a', LONG, {})],
  ['settings', 'missing', (monque) => monque.setGroup('a', 'acme')],
  ['settings.weight', '0', (monque) => monque.setGroup('a', 'acme', { weight: 0 })],
  ['settings.paused', 'null', (monque) => monque.setGroup('a', 'acme', { paused: null })],
  ['settings.rate.per', 'missing', (monque) => monque.setGroup('a', 'g', { rate: { limit: 1 } })],
  ['settings.concurrency', '-1', (monque) => monque.setGroup('a', 'acme', { concurrency: -1 })],
  ['name', 'no text', (monque) => monque.groups(1)],
  ['options.limit', 'too high', (monque) => monque.groups('a', { limit: 1_001 })],
  ['options.after', 'empty', (monque) => monque.groups('a', { after: '' })],
  ['options.group', 'too long', (monque) => monque.enqueue('a', 1, { group: LONG })],
  ['options.group', 'no text', (monque) => monque.enqueue('a', 1, { group: 5 })],
  ['options.group', 'with order', (monque) => monque.enqueue('a', 1, { group: 'g', order: 'o' })],
  [
    'options.group',
    'for a worker without groups',
    (monque) => {
      monque.worker('a', () => 1);
      return monque.enqueue('a', 1, { group: 'acme' });
    },
  ],
  [
    'entries[1].options.group',
    'empty, among many',
    (monque) => monque.enqueueMany([{ name: 'a' }, { name: 'a', options: { group: '' } }]),
  ],
  [
    'options.groups.weight',
    '0',
    (monque) => monque.worker('a', () => 1, { groups: { weight: 0 } }),
  ],
  ['options.group', 'no text', (monque) => monque.getJobs({ group: 1 })],
];

const ORDERS: readonly Case[] = [
  ['options.order', 'empty', (monque) => monque.enqueue('a', 1, { order: '' })],
  ['options.order', 'too long', (monque) => monque.enqueue('a', 1, { order: LONG })],
  ['options.priority', 'with it', (monque) => monque.enqueue('a', 1, { order: 'o', priority: 1 })],
  [
    'options.order',
    'for a worker without',
    (monque) => {
      monque.worker('a', () => 1);
      return monque.enqueue('a', 1, { order: 'o' });
    },
  ],
  ['name', 'no text', (monque) => monque.orders(undefined)],
  ['options.halted', 'no boolean', (monque) => monque.orders('a', { halted: 'yes' })],
  ['options.limit', '0', (monque) => monque.orders('a', { limit: 0 })],
  ['options.after', 'too long', (monque) => monque.orders('a', { after: LONG })],
  [
    'options.order.whenFailed',
    'unknown',
    (monque) => monque.worker('a', () => 1, { order: { whenFailed: 'stop' } }),
  ],
  ['options.supersede.key', 'missing', (monque) => monque.enqueue('a', 1, { supersede: {} })],
  [
    'options.supersede.running',
    'unknown',
    (monque) => monque.enqueue('a', 1, { supersede: { key: 'k', running: 'stop' } }),
  ],
  [
    'options.order',
    'with supersede',
    (monque) => monque.enqueue('a', 1, { supersede: { key: 'k' }, order: 'o' }),
  ],
  ['options.order', 'no text', (monque) => monque.getJobs({ order: 1 })],
];

const flowOf = (jobs: unknown, options?: unknown) => (monque: Untyped) =>
  monque.enqueueFlow({ jobs }, options);

const FLOWS: readonly Case[] = [
  ['flow', 'missing', (monque) => monque.enqueueFlow()],
  ['flow.jobs', 'empty', flowOf({})],
  ['flow.jobs.a.name', 'empty', flowOf({ a: { name: '' } })],
  ['flow.jobs.a.after', 'no list', flowOf({ a: { name: 'a', after: 'b' } })],
  ['flow.jobs.a.after[0]', 'unknown', flowOf({ a: { name: 'a', after: ['b'] } })],
  [
    'flow.jobs.a.after',
    'a circle',
    flowOf({ a: { name: 'a', after: ['b'] }, b: { name: 'a', after: ['a'] } }),
  ],
  ['flow.jobs.b.after', 'twice', flowOf({ a: { name: 'a' }, b: { name: 'a', after: ['a', 'a'] } })],
  [
    'flow.jobs.b.after[0].onFailure',
    'unknown',
    flowOf({ a: { name: 'a' }, b: { name: 'a', after: [{ ref: 'a', onFailure: 'retry' }] } }),
  ],
  ['flow.jobs.a.options.order', 'given', flowOf({ a: { name: 'a', options: { order: 'o' } } })],
  ['flow.jobs.a.options.priority', '1.5', flowOf({ a: { name: 'a', options: { priority: 1.5 } } })],
  ['options.uniqueKey', 'empty', flowOf({ a: { name: 'a' } }, { uniqueKey: '' })],
  ['options.session', 'no session', flowOf({ a: { name: 'a' } }, { session: {} })],
  ['id', 'no id', (monque) => monque.getFlow(NO_ID)],
  ['options.limit', '0', (monque) => monque.getFlows({ limit: 0 })],
  ['options.after', 'no id', (monque) => monque.getFlows({ after: NO_ID })],
  ['id', 'no id', (monque) => monque.cancelFlow(NO_ID)],
  ['id', 'no id', (monque) => monque.redriveFlow(NO_ID)],
  ['options.flow', 'no id', (monque) => monque.getJobs({ flow: NO_ID })],
];

const DEAD_LETTERS: readonly Case[] = [
  ['options.deadLetter', 'empty', (monque) => monque.worker('a', () => 1, { deadLetter: '' })],
  ['options.deadLetter', 'its own', (monque) => monque.worker('a', () => 1, { deadLetter: 'a' })],
  [
    'options.deadLetter',
    'with order',
    (monque) => monque.worker('a', () => 1, { deadLetter: 'b', order: {} }),
  ],
  ['id', 'no id', (monque) => monque.redriveDeadLetter(NO_ID)],
  ['filter', 'missing', (monque) => monque.redriveDeadLetters()],
  ['options.perSecond', '0', (monque) => monque.redriveDeadLetters({}, { perSecond: 0 })],
  ['options.limit', '0', (monque) => monque.redriveDeadLetters({}, { limit: 0 })],
  ['options.preview', 'no boolean', (monque) => monque.redriveDeadLetters({}, { preview: 1 })],
  ['options.deadLettersOf', 'no text', (monque) => monque.getJobs({ deadLettersOf: 1 })],
];

const PATIENCE: readonly Case[] = [
  ['options.patience', '0', (monque) => monque.worker('a', () => 1, { patience: 0 })],
  ['options.patience', 'a text', (monque) => monque.worker('a', () => 1, { patience: '1 minute' })],
  ['options.patience', 'too long', (monque) => monque.worker('a', () => 1, { patience: 1e12 })],
  [
    'options.patience',
    'with groups',
    (monque) => monque.worker('a', () => 1, { patience: 1, groups: {} }),
  ],
];

const UNITS_OF_WORK: readonly Case[] = [
  ['name', 'empty', (monque) => monque.outbox('')],
  ['options.order', 'unknown', (monque) => monque.outbox('a', { order: 'id' })],
  ['options.batch.size', '0', (monque) => monque.outbox('a', { batch: { size: 0 } })],
  ['message.key', 'missing', (monque) => monque.outbox('a').add({ data: 1 })],
  ['message.key', 'too long', (monque) => monque.outbox('a').add({ key: LONG, data: 1 })],
  ['message.id', 'empty', (monque) => monque.outbox('a').add({ key: 'k', id: '', data: 1 })],
  [
    'options.session',
    'none that was started',
    (monque) =>
      monque
        .outbox('a')
        .add(
          { key: 'k', data: 1 },
          { session: { inTransaction: () => false, endSession: () => undefined } },
        ),
  ],
  ['name', 'empty', (monque) => monque.inbox('')],
  ['options.keepFor', 'too short', (monque) => monque.inbox('a', { keepFor: 1 })],
  ['id', 'empty', (monque) => monque.inbox('a').once('', {}, () => 1)],
  ['session', 'none', (monque) => monque.inbox('a').once('x', undefined, () => 1)],
  ['work', 'no function', (monque) => monque.transaction('work')],
];

/** How often a ledger was called, whatever the verb or by these verbs. */
function countOf(faulty: FaultyLedgerRepository, verbs = LEDGER_VERBS): () => number {
  return () => verbs.reduce((sum, verb) => sum + faulty.calls(verb), 0);
}

async function refusalOf(call: () => unknown): Promise<InvalidArgumentError> {
  const error: unknown = await Promise.resolve()
    .then(call)
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(InvalidArgumentError);
  return error as InvalidArgumentError;
}

describe.each([
  ['limits', LIMITS],
  ['groups', GROUPS],
  ['orders and what supersedes', ORDERS],
  ['flows', FLOWS],
  ['dead letters', DEAD_LETTERS],
  ['patience', PATIENCE],
  ['units of work', UNITS_OF_WORK],
])('of %s, a wrong value is refused before the ledger is called:', (_feature, cases) => {
  test.each(cases)('%s: %s', async (field, _what, call) => {
    const clock = new ManualClock();
    const ledger = new InMemoryLedgerRepository({ clock });
    const faulty = new FaultyLedgerRepository(ledger, { clock });
    const count = countOf(faulty);
    const error = await refusalOf(() => call(new Monque(faulty, { clock })));
    expect([error.field, error.code]).toEqual([field, 'INVALID_ARGUMENT']);
    expect(error.message).toContain(field);
    expect(count()).toBe(0);
  });
});

describe('in a handler, a wrong value is refused before the ledger is called:', () => {
  test.each<readonly [string, string, (context: Untyped) => unknown]>([
    ['limit', 'empty', (context) => context.backOff('', 1)],
    ['ms', '0', (context) => context.backOff('api', 0)],
    ['jobs', 'no object', (context) => context.addToFlow('a')],
    ['jobs.a.name', 'empty', (context) => context.addToFlow({ a: { name: '' } })],
    ['jobs.a.after', 'given', (context) => context.addToFlow({ a: { name: 'a', after: [] } })],
    ['options.limit', '0', (context) => context.parents({ limit: 0 })],
  ])('%s: %s', async (field, _what, call) => {
    const { monque, clock, faulty } = makeOne();
    // The engine calls others meanwhile.
    const count = countOf(faulty, ['backOff', 'enqueue', 'findJobs']);
    const seen: unknown[] = [];
    monque.worker('a', async (_job: Job, context: JobContext) => {
      const before = count();
      const error = await refusalOf(() => call(context));
      seen.push(error.field, count() - before);
    });
    await monque.start();
    await monque.enqueueFlow({ jobs: { a: { name: 'a' } } });
    await clock.advance(1_000);
    expect(seen).toEqual([field, 0]);
    await monque.stop();
  });
});

test('a limit that was not set is refused by the start, and by who backs off from it', async () => {
  const { monque, clock } = makeOne();
  const seen: unknown[] = [];
  monque.worker('a', async (_job, context) => {
    seen.push((await refusalOf(() => context.backOff('unknown', 1))).field);
  });
  await monque.start();
  await monque.enqueue('a');
  await clock.advance(1_000);
  expect(seen).toEqual(['limit']);
  await monque.stop();
  const other = makeOne().monque;
  other.worker('b', () => undefined, { limits: ['unknown'] });
  expect((await refusalOf(() => other.start())).field).toBe('options.limits');
});

test('in a transaction what an inbox is given is refused before the ledger is called', async () => {
  const { monque } = makeTestMonque();
  const fields: unknown[] = [];
  await monque.transaction(async (session) => {
    const inbox = monque.inbox('a') as Untyped;
    fields.push((await refusalOf(() => inbox.once('', session, () => 1))).field);
    fields.push((await refusalOf(() => inbox.once('x', session, 'work'))).field);
  });
  expect(fields).toEqual(['id', 'work']);
});
