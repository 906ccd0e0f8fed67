// The work ledgers of the people who build the shop: steps in every state, one of which has drifted, and tasks in every
// state. In memory; nothing of it is a real project.
import { Monque, systemClock } from '@monque/core';
import {
  CheckRunner,
  CoordinationLedger,
  MemoryRecordStore,
  Redactor,
  VerificationLedger,
} from '@monque/ledgers';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Makes both, as they came to be in the last days. */
export async function openLedgers() {
  let ago = 0;
  const clock = { ...systemClock, now: () => systemClock.now() - ago };
  const at = (days) => {
    ago = days * DAY_MS;
  };
  const verification = await makeSteps(clock, at);
  const coordination = await makeTasks(clock, at);
  at(0);
  return { verification, coordination };
}

const STEPS = [
  ['S01-cart', 'Cart keeps what was put in', [['A cart survives a restart', 'carts']]],
  [
    'S02-payment',
    'Cards are charged once',
    [
      ['Two clicks charge once', 'payment'],
      ['The bank is asked with a key of `Idempotency-Key`', 'carts'],
    ],
  ],
  ['S03-mail', 'Buyers get a receipt', [['A receipt names every item', 'carts']]],
  ['S04-stock', 'Stock never goes below zero', [['The last item is sold once', 'carts']]],
  ['S05-refund', 'Refunds go back to the card', [['A refund is booked', 'carts']]],
  ['S06-report', 'Reports are rendered at night', [['A report has all orders']]],
  ['S07-search', 'Search finds what is in stock', []],
];

async function makeSteps(clock, at) {
  const scheduler = Monque.inMemory({ logger: false });
  await scheduler.start();
  let isFixed = true;
  const functions = {
    carts: () => true,
    payment: () => {
      if (isFixed) return true;
      throw new Error('order 4711 was charged 2 times: 990 and 990 cents');
    },
  };
  const runner = new CheckRunner({ scheduler, redactor: new Redactor([]), functions, clock });
  const ledger = new VerificationLedger({ store: new MemoryRecordStore(), runner, clock });
  const by = (run) => ({ actor: 'ann', run: `run-00${run}` });
  at(9);
  for (const [id, title, invariants] of STEPS) {
    await ledger.add(id, stepOf(title, invariants), { actor: 'ann' });
  }
  for (const [index, id] of ['S01-cart', 'S02-payment', 'S03-mail'].entries()) {
    at(8 - 2 * index);
    await ledger.start(id, by(index + 1));
    at(7.5 - 2 * index);
    await ledger.complete(id, by(index + 1));
    at(7 - 2 * index);
    await ledger.reverify(by(index + 2));
  }
  at(1);
  await ledger.start('S04-stock', by(4));
  await ledger.start('S05-refund', by(4));
  at(0.5);
  await ledger.complete('S04-stock', by(4));
  isFixed = false;
  at(0.1);
  await ledger.reverify({ ...by(5), ids: ['S01-cart', 'S02-payment', 'S03-mail'] });
  await scheduler.stop();
  return ledger;
}

function stepOf(title, invariants) {
  return {
    title,
    scope: [{ name: 'Files touched', items: ['`shop/orders.mjs`', '`shop/orders.test.mjs`'] }],
    summary: ['The orders of one buyer go through one queue.'],
    invariants: invariants.map(([text, name]) => ({
      text,
      ...(name && { check: { function: name } }),
    })),
    edgeCases: ['A buyer who closes the window while the bank answers'],
    concerns: ['The bank allows 20 requests a second'],
  };
}

const TASKS = [
  ['SHOP-01', 'Choose a bank', { priority: 'high' }],
  ['SHOP-02', 'Describe what an order goes through', {}],
  ['SHOP-03', 'Charge cards', { priority: 'critical', deadline: -1, dependsOn: ['SHOP-01'] }],
  ['SHOP-04', 'Send receipts', { deadline: 1, dependsOn: ['SHOP-03'] }],
  ['SHOP-05', 'Import invoices', { priority: 'high', deadline: 0.6 }],
  ['SHOP-06', 'Book refunds', { deadline: 4, dependsOn: ['SHOP-03'] }],
  ['SHOP-07', 'Render the report of the month', { deadline: 6, dependsOn: ['SHOP-06'] }],
  ['SHOP-08', 'Translate the pages', {}],
  ['SHOP-09', 'Open the shop', { priority: 'critical', deadline: 9, dependsOn: ['SHOP-07'] }],
  ['SHOP-10', 'Write to the readers of the newsletter', { dependsOn: ['SHOP-09'] }],
  ['SHOP-11', 'Ask for the tax number', { deadline: -2 }],
  ['SHOP-12', 'Keep carts', {}],
];
const PEOPLE = ['ann', 'bo', 'chris'];

async function makeTasks(clock, at) {
  const ledger = new CoordinationLedger({ store: new MemoryRecordStore(), clock });
  at(12);
  for (const [index, [id, title, { deadline, ...fields }]] of TASKS.entries()) {
    const task = {
      ...{ title, ...fields, reviewer: PEOPLE[(index + 1) % 3] },
      ...(deadline && { deadline: new Date(systemClock.now() + deadline * DAY_MS) }),
      acceptanceCriteria: [{ text: 'A buyer sees it in the shop', done: false }],
      definitionOfDone: [{ text: 'It is merged, with tests', done: false }],
      requirements: [{ name: 'Files to Modify', text: '`shop/orders.mjs`' }],
    };
    await ledger.add(id, task, { actor: 'ann' });
  }
  await finish(ledger, { at, days: 10, id: 'SHOP-01', assignee: 'ann', reviewer: 'bo' });
  await finish(ledger, { at, days: 8, id: 'SHOP-02', assignee: 'bo', reviewer: 'chris' });
  await finish(ledger, { at, days: 2, id: 'SHOP-12', assignee: 'chris', reviewer: 'ann' });
  at(3);
  for (const [id, assignee] of [
    ['SHOP-03', 'chris'],
    ['SHOP-05', 'bo'],
    ['SHOP-08', 'bo'],
    ['SHOP-11', 'ann'],
    ['SHOP-04', 'ann'],
  ]) {
    await ledger.assign(id, { assignee }, { actor: 'ann' });
    if (id !== 'SHOP-04') await ledger.start(id, { actor: assignee });
  }
  at(1);
  await ledger.submit('SHOP-05', { actor: 'bo' });
  await ledger.submit('SHOP-08', { actor: 'bo' });
  await ledger.requestRevisions('SHOP-08', { actor: 'chris', reason: 'Umlauts are missing' });
  await ledger.block('SHOP-11', { actor: 'ann', reason: 'the office answers on Monday' });
  await ledger.log('SHOP-03', 'the bank answers twice when the line is slow', { actor: 'chris' });
  return ledger;
}

/** Does a task from its beginning to its end. */
async function finish(ledger, { at, days, id, assignee, reviewer }) {
  at(days);
  const by = { actor: assignee };
  await ledger.assign(id, { assignee, reviewer }, { actor: 'ann' });
  await ledger.start(id, by);
  const acceptanceCriteria = ['A buyer sees it in the shop'];
  const definitionOfDone = ['It is merged, with tests'];
  at(days - 0.5);
  await ledger.tick(id, { acceptanceCriteria, definitionOfDone }, by);
  await ledger.submit(id, by);
  at(days - 1);
  await ledger.approve(id, { actor: reviewer });
  await ledger.complete(id, by);
}
