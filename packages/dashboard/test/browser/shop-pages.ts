/**
 * The pages of the dashboard as they are with the jobs of the demo's shop.
 */
import { InMemoryLedgerRepository, Monque } from '@monque/core';
import { until } from '../../../core/test/setup/until.ts';
import { openLedgers } from '../../demo/ledgers.mjs';
import { openShop } from '../../demo/shop.mjs';
import type { DeadLettersAnswer, FlowsAnswer } from '../../src/api/types.ts';
import { createDashboard, type JobsAnswer, type SeriesListAnswer } from '../../src/index.ts';
import { type Served, serve } from './browser.ts';

/** The pages, by the names of their screenshots. */
export const PAGE_NAMES = [
  'overview',
  'jobs',
  'jobs-filtered',
  'jobs-none',
  'jobs-refused',
  'job-failed',
  'job-blocked',
  'job-running',
  'job-completed',
  'job-missing',
  'names',
  'name',
  'series',
  'series-calendar',
  'series-dense',
  'gates',
  'flows',
  'flow-failed',
  'flow-folded',
  'flow-missing',
  'orders',
  'orders-none',
  'limits',
  'limits-of-name',
  'dead-letters',
  'dead-letter',
  'job-in-flow',
  'job-in-order',
  'job-dead',
  'errors',
  'error',
  'verification',
  'verification-none',
  'step',
  'step-missing',
  'coordination',
  'task',
  'rules',
  'instances',
  'instance',
  'metrics',
  'activity',
  'settings',
  'not-found',
  'dialog-enqueue',
  'dialog-bulk',
  'dialog-reasons',
  'dialog-gate',
  'dialog-series',
  'dialog-limit',
  'dialog-group',
  'dialog-redrive',
  'dialog-flow',
  'dialog-keys',
  'menu',
] as const;

/** Pages made of the same parts as another of their kind: with less volume they are left out. */
export const VARIANTS: readonly PageName[] = [
  'jobs-filtered',
  'jobs-none',
  'job-blocked',
  'job-completed',
  'job-missing',
  'job-dead',
  'job-in-flow',
  'job-in-order',
  'series-dense',
  'flow-folded',
  'flow-missing',
  'orders-none',
  'limits-of-name',
  'dead-letter',
  'verification-none',
  'step-missing',
  'not-found',
  'dialog-reasons',
  'dialog-limit',
  'dialog-group',
  'dialog-redrive',
  'dialog-flow',
];

/** What is pressed on a page to open something on it: the name of a button, or a key. */
export const OPENED_BY: Partial<Record<PageName, RegExp | string>> = {
  'dialog-enqueue': /^Enqueue a job/,
  'dialog-bulk': /^Retry all that match/,
  'dialog-reasons': /^Why\?/,
  'dialog-gate': /^Open the gate/,
  'dialog-series': /^Change$/,
  'dialog-limit': /^Set a limit/,
  'dialog-group': /^Change the group acme/,
  'dialog-redrive': /^Redrive all of/,
  'dialog-flow': /^Redrive$/,
  'dialog-keys': '?',
};

/** The name of a page. */
export type PageName = (typeof PAGE_NAMES)[number];

/** The shop, served. */
export interface Shop extends Served {
  /** The path of each page below the mount. */
  readonly pages: Readonly<Record<PageName, string>>;
}

const OPTIONS = {
  ...{ baseRetryInterval: 500, shutdownTimeout: 500, throughputHistory: 86_400_000 },
  logger: false,
} as const;

/** What happened in the last hour, as if there had been a process: the own ones report after a minute. */
async function countPast(ledger: InMemoryLedgerRepository): Promise<void> {
  const minute = Math.floor(Date.now() / 60_000);
  const rows = Array.from({ length: 60 }, (_, index) => {
    const done = 40 + Math.round(12 * Math.sin(index / 6));
    const ended = { completed: done, failed: index % 17 === 5 ? 9 : 1, retried: index % 4 };
    const [started, runMs] = [done + ended.failed + ended.retried, 900 * done];
    return {
      ...{ name: 'send-email', at: new Date((minute - index) * 60_000) },
      ...{ enqueued: done + 2, started, ended: started, ...ended, cancelled: 0, others: 3 },
      ...{ waitMs: started * (150 + 8 * index), longestWaitMs: 2_000, runMs, longestRunMs: 1_900 },
    };
  });
  await ledger.addThroughput({ rows, keptMs: 86_400_000 });
}

/** Opens the shop, and waits until it has jobs in every state. */
export async function serveShop(): Promise<Shop> {
  const ledger = new InMemoryLedgerRepository({ transitionLog: true });
  const instances = Array.from({ length: 3 }, () => new Monque(ledger, OPTIONS));
  await countPast(ledger);
  const shop = await openShop(instances);
  const [, worker] = instances;
  if (!worker) throw new Error('The shop has no instances');
  const served = await serve(
    createDashboard({
      monque: worker,
      actor: () => 'ann',
      title: 'Shop',
      environment: 'production',
      ledgers: await openLedgers(),
    }),
  );
  const close = async (): Promise<void> => {
    await served.close();
    await shop.close();
  };
  try {
    return { base: served.base, close, pages: await pagesOf(served.base) };
  } catch (error) {
    await close();
    throw error;
  }
}

async function pagesOf(base: string): Promise<Shop['pages']> {
  const get = async <T>(path: string): Promise<T> =>
    (await (await fetch(`${base}api/v1/${path}`)).json()) as T;
  const job = (query: string): Promise<string> =>
    until(`a job with ${query}`, async () => (await get<JobsAnswer>(`jobs?${query}`)).jobs[0]?.id);
  const blocked = await job('status=blocked&name=import-invoice');
  const failed = await job('status=failed&name=charge-card');
  const { series } = await get<SeriesListAnswer>('series');
  const seriesOf = (name: string): string => series.find((row) => row.name === name)?.id ?? '';
  const { instances } = await get<{ instances: { instanceId: string }[] }>('instances');
  const { groups } = await get<{ groups: { name: string; pattern: string }[] }>('errors');
  const [error] = groups;
  const flowOf = (uniqueKey: string, state: string): Promise<string> =>
    until(`the flow ${uniqueKey}`, async () => {
      const { flows } = await get<FlowsAnswer>('flows');
      return flows.find((flow) => flow.uniqueKey === uniqueKey && flow.state === state)?.id;
    });
  const foldedFlow = await flowOf('gallery-77', 'running');
  // Its report waits for a failed parent until that is retried.
  const failedFlow = await flowOf('nightly-report', 'running');
  const letter = await until('dead letters', async () => {
    const { groups: letters } = await get<DeadLettersAnswer>('dead-letters');
    const [first] = letters;
    return first && encodeURIComponent(`${first.source} ${first.name} ${first.pattern}`);
  });
  return {
    overview: '',
    jobs: '-/jobs',
    'jobs-filtered': '-/jobs?name=charge-card&status=failed',
    'jobs-none': '-/jobs?name=nothing-of-that-name',
    'jobs-refused': '-/jobs?meta.tenant=acme',
    'job-failed': `-/jobs/${failed}`,
    'job-blocked': `-/jobs/${blocked}`,
    'job-running': `-/jobs/${await job('status=processing&name=render-report')}`,
    'job-completed': `-/jobs/${await job('status=completed&name=send-email')}`,
    'job-missing': '-/jobs/0123456789abcdef01234567',
    names: '-/names',
    name: '-/name?name=send-email',
    series: '-/series',
    'series-calendar': `-/series/${seriesOf('render-report')}`,
    'series-dense': `-/series/${seriesOf('clean-up')}`,
    gates: '-/gates',
    flows: '-/flows',
    'flow-failed': `-/flows/${failedFlow}`,
    'flow-folded': `-/flows/${foldedFlow}`,
    'flow-missing': '-/flows/0123456789abcdef01234567',
    orders: '-/orders',
    'orders-none': '-/orders?name=send-email&halted=true',
    limits: '-/limits',
    'limits-of-name': '-/limits?name=sync-catalog',
    'dead-letters': '-/dead-letters',
    'dead-letter': `-/dead-letters?letter=${letter}`,
    'job-in-flow': `-/jobs/${await job('status=blocked&name=publish')}`,
    'job-in-order': `-/jobs/${await job('status=pending&name=ship-order&order=order-4712')}`,
    'job-dead': `-/jobs/${await job('name=notify-partner.dead')}`,
    errors: '-/errors',
    error: `-/errors?error=${encodeURIComponent(`${error?.name} ${error?.pattern}`)}`,
    verification: '-/verification',
    'verification-none': '-/verification?status=verified&after=zzz',
    step: '-/verification/S02-payment',
    'step-missing': '-/verification/S99',
    coordination: '-/coordination',
    task: '-/coordination/SHOP-03',
    rules: '-/rules',
    instances: '-/instances',
    instance: `-/instances?instance=${instances[0]?.instanceId}`,
    metrics: '-/metrics',
    activity: '-/activity',
    settings: '-/settings',
    'not-found': '-/nowhere',
    'dialog-enqueue': '-/jobs?name=nothing-of-that-name',
    'dialog-bulk': '-/jobs?name=charge-card&status=failed',
    'dialog-reasons': '-/jobs?status=pending',
    'dialog-gate': `-/jobs/${blocked}`,
    'dialog-series': `-/series/${seriesOf('render-report')}`,
    'dialog-limit': '-/limits',
    'dialog-group': '-/limits?name=sync-catalog',
    'dialog-redrive': `-/dead-letters?letter=${letter}`,
    'dialog-flow': `-/flows/${failedFlow}`,
    'dialog-keys': '-/nowhere',
    menu: '-/nowhere',
  };
}
