/**
 * A collection of 200,000 jobs, or with less volume 20,000, on a real server, with a dashboard and the workers of a few names.
 */
import { gate, type Job, Monque, stage } from '@monque/core';
import type { Db } from 'mongodb';
import { cleanupTestDb, closeMongoDb, getTestDb } from '../../../core/test/setup/mongodb.ts';
import { volume } from '../../../core/test/setup/volume.ts';
import { createDashboard, type DashboardHandler } from '../../src/index.ts';

const COMPLETED = volume(198_050, 18_050);
const COLLECTION = 'monque_jobs';

/** What the tests in a browser work on. */
export interface Orders {
  readonly monque: Monque;
  readonly dashboard: DashboardHandler;
  /** Lets the job of `render-report` that runs go on by so many pages. */
  turnPages(count: number): void;
  close(): Promise<void>;
}

/** Fills a database of its own, and starts a scheduler on it. */
export async function fillOrders(): Promise<Orders> {
  const db = await getTestDb('browser');
  const monque = new Monque(db, { collectionName: COLLECTION, pollInterval: 200, logger: false });
  await monque.initialize();
  await monque.setLimit('partner-api', { concurrency: 1 });
  await fill(db);
  const pages = registerWorkers(monque);
  await monque.start();
  return {
    monque,
    dashboard: createDashboard({ monque, actor: () => 'ann' }),
    turnPages: pages.turn,
    close: async () => {
      pages.turn(Number.POSITIVE_INFINITY);
      await monque.stop();
      await cleanupTestDb(db);
      await closeMongoDb();
    },
  };
}

/** The server makes the documents itself: that takes a few seconds for all of them. */
async function fill(db: Db): Promise<void> {
  const jobs = (count: number, fields: object): object[] => [
    { $limit: 1 },
    { $project: { _id: 0, n: { $range: [1, count + 1] } } },
    { $unwind: '$n' },
    {
      $replaceWith: {
        ...{ priority: 0, failCount: 0, fence: 0, documentVersion: 1, data: { order: '$n' } },
        ...{ nextRunAt: '$$NOW', createdAt: '$$NOW', updatedAt: '$$NOW' },
        ...fields,
      },
    },
    { $merge: { into: COLLECTION, whenMatched: 'fail' } },
  ];
  const ended = { finishedAt: '$$NOW', startedAt: '$$NOW', fence: 1 };
  const failed = { name: 'charge-card', status: 'failed', failCount: 1, ...ended };
  const number = { $toString: '$n' };
  const card = { $concat: ['card of order ', number, ' was refused: expired'] };
  const bank = { $concat: ['the bank did not answer within ', number, ' ms'] };
  const seed = db.collection('seed');
  await seed.insertOne({});
  for (const [count, fields] of [
    [COMPLETED, { name: 'send-email', status: 'completed', ...ended }],
    [150, { ...failed, failReason: card, metadata: { tenant: 'acme' } }],
    [300, { ...failed, failReason: bank }],
    [1_500, { name: 'send-newsletter', status: 'pending' }],
  ] as const) {
    await seed.aggregate(jobs(count, fields)).toArray();
  }
}

/** The parcels and the partners that fail at their first try. */
const isTried = new Set<unknown>();

function failOnce(what: unknown, message: string): void {
  if (isTried.has(what)) return;
  isTried.add(what);
  throw new Error(message);
}

function shipOrder({ data }: Job): void {
  if (data === 'lost') failOnce('parcel', 'the parcel is lost');
}

function notify({ data }: Job): void {
  failOnce(data, `partner ${data} answered 503`);
}

function registerWorkers(monque: Monque): { turn(count: number): void } {
  let budget = 0;
  const waiting: (() => void)[] = [];
  const wake = (): void => {
    for (const resolve of waiting.splice(0)) resolve();
  };
  const nextPage = async (): Promise<void> => {
    while (budget <= 0) {
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
      });
    }
    budget -= 1;
  };
  monque.worker('charge-card', () => 'charged', { concurrency: 50 });
  monque.worker('import-invoice', {
    stages: [
      stage('download', () => ({ pages: 3 })),
      gate('approved'),
      stage('book', (_job, { results }) => results),
    ],
  });
  monque.worker('render-report', async (job, { progress, log, signal }) => {
    signal.addEventListener('abort', () => {
      budget = 1;
      wake();
    });
    const { pages } = job.data as { pages: number };
    for (let page = 1; page <= pages; page += 1) {
      await nextPage();
      if (signal.aborted) throw signal.reason;
      progress({ done: page, total: pages });
      log(`page ${page}`);
    }
    return { file: 'report.pdf' };
  });
  monque.worker('send-newsletter', () => 'sent');
  monque.worker('call-partner', () => nextPage(), { limits: ['partner-api'] });
  monque.worker('ship-order', shipOrder, { order: { whenFailed: 'halt' }, maxRetries: 1 });
  monque.worker('notify', notify, { deadLetter: 'notify.dead', maxRetries: 1 });
  monque.worker('sync', () => 'synced', { groups: {} });
  return {
    turn: (count) => {
      budget += count;
      wake();
    },
  };
}
