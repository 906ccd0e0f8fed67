// What says when the jobs of the shop run: limits, groups, orders, flows and dead letters.
const FAILED_PARTNERS = 7;

/** Sets the limits that workers name; before these are started. */
export async function setLimits(monque) {
  await monque.setLimit('payments-api', { concurrency: 4, rate: { limit: 40, per: 10_000 } });
  await monque.setLimit('image-service', { concurrency: 2 });
}

/** Registers the workers. */
export function registerControlled(instances) {
  for (const monque of instances) {
    monque.worker('sync-catalog', () => pause(1_500), {
      groups: { concurrency: 2 },
      concurrency: 6,
    });
    monque.worker('ship-order', shipOrder, { order: { whenFailed: 'halt' }, maxRetries: 1 });
    monque.worker('notify-partner', notifyPartner, {
      ...{ maxRetries: 1, deadLetter: 'notify-partner.dead' },
    });
    monque.worker('make-thumbnail', () => pause(900), { limits: ['image-service'] });
    monque.worker('extract', async ({ ref }) => {
      await pause(400);
      return { from: ref, rows: 1_200 };
    });
    monque.worker('load', loadRows, { maxRetries: 1 });
    monque.worker('publish', () => pause(600));
  }
}

/** What is there when the dashboard is opened first. */
export async function stockUpControlled(monque) {
  for (const [group, count] of [
    ['acme', 40],
    ['globex', 9],
    ['initech', 6],
    ['hooli', 12],
  ]) {
    await monque.enqueueMany(
      Array.from({ length: count }, (_, part) => ({
        name: 'sync-catalog',
        data: { part },
        options: { group },
      })),
    );
  }
  await monque.setGroup('sync-catalog', 'hooli', { paused: true });
  await monque.setGroup('sync-catalog', 'acme', { weight: 3 });
  for (const order of [4711, 4712, 4713]) {
    for (const step of ['pick', 'pack', 'hand over']) {
      const data = { order, step, isLost: order === 4712 && step === 'pack' };
      await monque.enqueue('ship-order', data, { order: `order-${order}` });
    }
  }
  await monque.enqueueMany(
    Array.from({ length: FAILED_PARTNERS }, (_, partner) => ({
      name: 'notify-partner',
      data: { partner: partner + 1 },
    })),
  );
  await storeFlows(monque);
}

async function storeFlows(monque) {
  await monque.enqueueFlow(nightly({ isBroken: true }), { uniqueKey: 'nightly-report' });
  const pictures = Object.fromEntries(
    Array.from({ length: 60 }, (_, index) => [
      `thumbnail ${index + 1}`,
      { name: 'make-thumbnail', after: ['read upload'] },
    ]),
  );
  await monque.enqueueFlow(
    {
      jobs: {
        'read upload': { name: 'extract' },
        ...pictures,
        'publish gallery': { name: 'publish', after: Object.keys(pictures) },
        'tell the photographer': { name: 'send-email', data: mail, after: ['publish gallery'] },
      },
    },
    { uniqueKey: 'gallery-77' },
  );
  await monque.enqueueFlow(nightly({ isBroken: false }));
}

const mail = { to: 'photographer@globex.example', customer: 'globex' };

function nightly({ isBroken }) {
  return {
    jobs: {
      'orders of today': { name: 'extract' },
      'stock levels': { name: 'extract' },
      'returns of today': { name: 'extract' },
      'load sales': {
        name: 'load',
        data: { isBroken },
        after: ['orders of today', 'returns of today'],
      },
      'load stock': { name: 'load', data: { isBroken: false }, after: ['stock levels'] },
      'daily report': {
        name: 'publish',
        after: [{ ref: 'load sales', onFailure: 'wait' }, 'load stock'],
      },
      'clean up': {
        name: 'clean-up',
        after: [
          { ref: 'load sales', onFailure: 'continue' },
          { ref: 'load stock', onFailure: 'continue' },
        ],
      },
    },
  };
}

async function shipOrder({ data }) {
  await pause(800);
  if (data.isLost) throw new Error(`parcel of order ${data.order} is lost`);
}

async function notifyPartner({ data }) {
  await pause(200);
  if (data.partner % 2 === 0) throw new Error(`partner ${data.partner} answered 503`);
  throw new Error(`certificate of partner ${data.partner} is out of date`);
}

async function loadRows({ data }, { parentResults }) {
  await pause(700);
  if (data.isBroken) throw new Error('column "discount" does not exist');
  const parents = await parentResults();
  return { rows: Object.values(parents).reduce((sum, { rows }) => sum + rows, 0) };
}

/** What comes in from time to time, so that these pages move too. */
export async function enqueueControlled(monque, number) {
  const group = ['acme', 'globex', 'initech'][number % 3];
  await monque.enqueue('sync-catalog', { part: number }, { group });
  if (number % 9 === 0) {
    const data = { order: number, step: 'pick', isLost: false };
    await monque.enqueue('ship-order', data, { order: `order-${number}` });
  }
  if (number % 40 === 0) await monque.enqueueFlow(nightly({ isBroken: number % 80 === 0 }));
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
