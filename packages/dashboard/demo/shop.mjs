// The jobs of a small shop: every state, series, gates, failures of some kinds, a paused name, a name without a worker;
// what says when they run is in control.mjs.
import { gate, snooze, stage } from '@monque/core';
import { enqueueControlled, registerControlled, setLimits, stockUpControlled } from './control.mjs';

const CUSTOMERS = ['acme', 'globex', 'initech', 'umbrella', 'hooli'];
const EVERY_MS = 700;

/** Registers the workers, starts the instances, enqueues what is there at first, and goes on from then. */
export async function openShop([web, worker, extra]) {
  await setLimits(worker);
  registerWorkers(web, worker, extra);
  registerControlled([worker, extra]);
  await Promise.all([web, worker, extra].map((monque) => monque.start()));
  await stockUp(worker);
  await stockUpControlled(worker);
  let number = 1_000;
  const timer = setInterval(() => {
    number += 1;
    // What the dashboard's viewer paused or deleted is no reason to stop.
    enqueueSomething(worker, number).catch(() => {});
  }, EVERY_MS);
  return {
    close: async () => {
      clearInterval(timer);
      await Promise.all([web, worker, extra].map((monque) => monque.stop()));
    },
  };
}

function registerWorkers(web, worker, extra) {
  for (const monque of [worker, extra]) {
    monque.worker('send-email', sendEmail, { concurrency: 5 });
    monque.worker('charge-card', chargeCard, {
      ...{ concurrency: 3, maxRetries: 3, limits: ['payments-api'] },
    });
  }
  worker.worker('render-report', renderReport, { concurrency: 2 });
  worker.worker('clean-up', async () => pause(400));
  worker.worker('sync-stock', syncStock, { maxRetries: 2 });
  worker.worker('send-newsletter', async () => pause(1_000));
  worker.worker('check-fraud', async (job) => (job.data.waits ? snooze(600_000) : 'fine'));
  extra.worker('import-invoice', {
    stages: [
      stage('download', async (job) => ({ pages: 3, from: job.data.url })),
      gate('approved', { timeout: 3 * 86_400_000 }),
      stage('book', async (_job, { results }) => `booked ${results.download.pages} pages`),
    ],
  });
  web.worker('warm-cache', async () => pause(150), { concurrency: 1 });
}

async function sendEmail(job, { log }) {
  log(`connected to mx.${job.data.customer}.example`);
  await pause(200 + Math.random() * 900);
  if (Math.random() < 0.04) throw new Error(`mailbox ${job.data.to} is full`);
  return { messageId: `<${job._id}@shop.example>` };
}

async function chargeCard(job) {
  await pause(300 + Math.random() * 600);
  if (job.data.card === 'expired')
    throw new Error(`card of order ${job.data.order} was refused: expired`);
  if (job.data.card === 'slow')
    throw new Error(`the bank did not answer within ${3000 + job.data.order} ms`);
  return { charged: job.data.cents };
}

async function renderReport(job, { progress, log, signal }) {
  for (let page = 1; page <= job.data.pages; page += 1) {
    if (signal.aborted) throw signal.reason;
    await pause(500);
    progress({ done: page, total: job.data.pages });
    log(`page ${page} of ${job.data.pages}`);
  }
  return { file: `report-${job.data.month}.pdf`, pages: job.data.pages };
}

async function syncStock() {
  await pause(300);
  throw new Error('connect ECONNREFUSED 10.0.4.17:5432');
}

/** What is there when the dashboard is opened first. */
async function stockUp(monque) {
  const orders = Array.from({ length: 60 }, (_, index) => index + 1);
  await monque.enqueueMany([
    ...orders.map((order) => email(order)),
    ...orders.slice(0, 14).map((order) => charge(order, order % 2 === 0 ? 'expired' : 'slow', 1)),
    ...orders.slice(0, 20).map((order) => charge(order, 'good')),
    ...orders.slice(0, 6).map((order) => ({
      name: 'import-invoice',
      data: { url: `https://supplier.example/invoice/${order}.pdf` },
      options: { metadata: { tenant: customerOf(order) } },
    })),
    ...[40, 60, 90].map((pages, index) => ({
      name: 'render-report',
      data: { month: `2026-0${index + 7}`, pages },
      options: { uniqueKey: `report:${index + 7}` },
    })),
    ...orders.slice(0, 25).map((order) => ({
      name: 'send-newsletter',
      data: { edition: 12, to: `reader${order}@${customerOf(order)}.example` },
    })),
    ...orders
      .slice(0, 8)
      .map((order) => ({ name: 'translate-page', data: { page: order, into: 'de' } })),
    ...orders
      .slice(0, 5)
      .map((order) => ({ name: 'check-fraud', data: { order, waits: order % 2 === 0 } })),
    ...orders.slice(0, 5).map((order) => ({
      name: 'send-email',
      data: { to: `later${order}@hooli.example`, customer: 'hooli' },
      options: { delay: order * 3_600_000 },
    })),
  ]);
  await monque.pause('send-newsletter');
  await monque.schedule('* * * * *', 'clean-up', {}, { uniqueKey: 'clean-up' });
  await monque.schedule('*/15 * * * * *', 'warm-cache', {}, { uniqueKey: 'warm-cache' });
  await monque.schedule(
    '0 6 * * 1-5',
    'render-report',
    { month: 'last', pages: 12 },
    { uniqueKey: 'daily-report', timezone: 'Europe/Berlin' },
  );
  await monque.schedule(
    '*/5 * * * *',
    'sync-stock',
    { warehouse: 4 },
    { uniqueKey: 'sync-stock', missed: 'skip' },
  );
  const dropped = await monque.enqueue(
    'send-email',
    { to: 'nobody@globex.example', customer: 'globex' },
    { delay: 60_000 },
  );
  await monque.cancelJob(dropped._id, { reason: 'the customer left' });
}

async function enqueueSomething(monque, number) {
  const chance = Math.random();
  if (chance < 0.6) await enqueue(monque, email(number));
  else if (chance < 0.9)
    await enqueue(monque, charge(number, Math.random() < 0.1 ? 'expired' : 'good'));
  else if (chance < 0.93)
    await enqueue(monque, {
      name: 'import-invoice',
      data: { url: `https://supplier.example/invoice/${number}.pdf` },
    });
  else if (chance < 0.96)
    await enqueue(monque, { name: 'render-report', data: { month: '2026-11', pages: 30 } });
  if (number % 3 === 0) await enqueueControlled(monque, number / 3);
}

async function enqueue(monque, { name, data, options }) {
  await monque.enqueue(name, data, options);
}

function email(order) {
  const customer = customerOf(order);
  return {
    name: 'send-email',
    data: { to: `buyer${order}@${customer}.example`, customer, order },
    options: { metadata: { tenant: customer } },
  };
}

function charge(order, card, maxRetries) {
  const options = { metadata: { tenant: customerOf(order) }, ...(maxRetries && { maxRetries }) };
  return { name: 'charge-card', data: { order, card, cents: 990 + order * 7 }, options };
}

function customerOf(order) {
  return CUSTOMERS[order % CUSTOMERS.length];
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
