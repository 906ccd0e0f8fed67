/**
 * What people come to the pages of the work ledgers for: what has drifted and why, who does what by when, and that it
 * moves on by itself.
 */
import { Monque } from '@monque/core';
import {
  CheckRunner,
  CoordinationLedger,
  MemoryRecordStore,
  Redactor,
  VerificationLedger,
} from '@monque/ledgers';
import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { until } from '../../../core/test/setup/until.ts';
import { createDashboard, type DashboardOptions } from '../../src/index.ts';
import { connect, describeInBrowser, openContext, type Served, serve, Tab } from './browser.ts';
import { backToNow, passTime } from './server-clock.ts';

vi.mock(import('../../src/clock.ts'), async (original) =>
  (await import('./server-clock.ts')).movable(await original()),
);

afterAll(backToNow);

const MARKUP = '<img src=x onerror="window.wasRun=true">';
const SECRET = 'sesame-open-4711';
const ANN = { actor: 'ann' };
/** For so long a look at a ledger counts as fresh, and longer when it took long. */
const LOOKS_APART_MS = 60_000;

describeInBrowser('the pages of the ledgers', () => {
  const monque = Monque.inMemory({ logger: false });
  const servers: Served[] = [];
  let isFixed = false;
  let ledgers: { verification: VerificationLedger; coordination: CoordinationLedger };
  let browser: Browser;
  let context: BrowserContext;
  let tab: Tab;

  async function open(options: Partial<DashboardOptions> = {}, source = monque): Promise<Tab> {
    const served = await serve(
      createDashboard({ monque: source, actor: () => 'ann', ledgers, ...options }),
    );
    servers.push(served);
    return await Tab.open(context, served.base);
  }

  beforeAll(async () => {
    browser = await connect();
    context = await openContext(browser);
    await monque.start();
    ledgers = { verification: await makeSteps(), coordination: await makeTasks() };
  });

  afterAll(async () => {
    await browser?.close();
    for (const served of servers) await served.close();
    await monque.stop();
  });

  beforeEach(async () => {
    tab = await open();
  });

  afterEach(async ({ task }) => {
    await tab.closeAfter(task.result?.state);
    expect(tab.faults).toEqual([]);
  });

  async function makeSteps(): Promise<VerificationLedger> {
    const redactor = new Redactor([['TOKEN', SECRET]]);
    const functions = {
      payment: () => {
        if (isFixed) return true;
        throw new Error(`charged twice with ${SECRET}`);
      },
    };
    const runner = new CheckRunner({ scheduler: monque, redactor, functions });
    const ledger = new VerificationLedger({ store: new MemoryRecordStore(), runner, redactor });
    const check = { function: 'payment' };
    const title = `Cards are charged once ${MARKUP}`;
    await ledger.add('S01', { title, invariants: [{ text: 'Once', check }] }, ANN);
    await ledger.add('S02', { title: 'Later' }, ANN);
    await ledger.start('S01', { ...ANN, run: 'run-1' });
    await ledger.complete('S01', { ...ANN, run: 'run-1' });
    await ledger.reverify({ ...ANN, run: 'run-2' });
    return ledger;
  }

  async function makeTasks(): Promise<CoordinationLedger> {
    const ledger = new CoordinationLedger({ store: new MemoryRecordStore() });
    const deadline = new Date(Date.now() - 2 * 86_400_000);
    await ledger.add('T1', { title: 'Charge cards', deadline, reviewer: 'bo' }, ANN);
    await ledger.add('T2', { title: 'Send receipts', dependsOn: ['T1'] }, ANN);
    await ledger.add('T3', { title: 'Sweep' }, ANN);
    await ledger.assign('T1', { assignee: 'ann' }, ANN);
    await ledger.assign('T3', { assignee: 'bo' }, ANN);
    await ledger.start('T1', ANN);
    return ledger;
  }

  const link = (name: string | RegExp) => tab.page.getByRole('link', { name }).first();

  test('a drift is seen, its output has no secret, and once it is fixed the page says so by itself', async () => {
    await tab.goto('');
    await link('Verification').click();
    await tab.page.getByText('1 step has drifted').waitFor();
    await link(/^1\s*Drifted/).click();
    await until('the state in the address', () => tab.path.endsWith('status=drift_detected'));
    await link(/Cards are charged once/).click();
    await tab.page.getByText('charged twice with [redacted TOKEN]').waitFor();
    expect(await tab.page.content()).not.toContain(SECRET);
    const counts = await tab.page.evaluate(() => ({
      images: document.querySelectorAll('img').length,
      wasRun: 'wasRun' in window,
    }));
    expect(counts).toEqual({ images: 0, wasRun: false });
    isFixed = true;
    await ledgers.verification.reverify({ ...ANN, run: 'run-3' });
    passTime(LOOKS_APART_MS);
    await tab.page.getByRole('heading', { level: 1 }).getByText('Verified').waitFor();
    await tab.page.getByText('1 of 1 checks passed').first().waitFor();
    await tab.page.goBack();
    await tab.page.getByText('No step is in this state').waitFor();
  }, 60_000);

  test('the board is walked by the keyboard, narrowed to a person, and moves on by itself', async () => {
    await tab.goto('');
    await tab.page.keyboard.press('g');
    await tab.page.keyboard.press('c');
    await until('the board', () => tab.path === '-/coordination');
    const lane = (name: string) => tab.page.getByRole('region', { name, exact: true });
    await lane('In progress').getByText('2 d late').waitFor();
    await tab.page.getByLabel('Assignee', { exact: true }).selectOption('bo');
    await lane('In progress').getByText('Charge cards').waitFor({ state: 'detached' });
    expect(tab.path).toBe('-/coordination?assignee=bo');
    await lane('Assigned').getByText('Sweep').waitFor();
    await tab.page.getByLabel('Assignee', { exact: true }).selectOption('');
    await lane('In progress').getByRole('link', { name: 'Charge cards' }).focus();
    await tab.page.keyboard.press('Enter');
    await until('the task', () => tab.path === '-/coordination/T1');
    await link('Send receipts').click();
    await tab.page.getByRole('heading', { level: 1 }).getByText('Defined').waitFor();
    await tab.page.goBack();
    await ledgers.coordination.submit('T1', ANN);
    passTime(LOOKS_APART_MS);
    await tab.page.getByRole('heading', { level: 1 }).getByText('In review').waitFor();
  }, 60_000);

  test('a ledger that cannot be read says why, and is asked for again', async () => {
    await tab.page.route('**/api/v1/ledgers/**', (route) => route.abort());
    await tab.goto('-/coordination');
    await tab.page.getByText('The server of this dashboard does not answer.').first().waitFor();
    await tab.page.unroute('**/api/v1/ledgers/**');
    await tab.page.getByRole('button', { name: 'Try again' }).click();
    await tab.page.getByRole('region', { name: 'Board' }).waitFor();
  }, 60_000);

  test('who sees jobs of some names is told so, and finds no way there', async () => {
    const narrow = Monque.inMemory({
      logger: false,
      access: { may: ({ name }) => name === 'mail' },
    });
    const own = await open({}, narrow);
    await own.goto('-/verification');
    await own.page.getByText('Ledgers are shown to who may see jobs of all names.').waitFor();
    expect(await own.page.getByRole('link', { name: 'Coordination' }).count()).toBe(0);
    expect(own.faults).toEqual([]);
    await own.close();
    await narrow.stop();
  }, 60_000);

  test('empty ledgers, and dashboards without any, say what would be there', async () => {
    const store = () => new MemoryRecordStore();
    const verification = new VerificationLedger({ store: store() });
    const coordination = new CoordinationLedger({ store: store() });
    const empty = await open({ ledgers: { verification, coordination } });
    await empty.goto('-/verification');
    await empty.page.getByText('The ledger has no steps yet').waitFor();
    await empty.goto('-/coordination');
    await empty.page.getByText('The ledger has no tasks yet').waitFor();
    const none = await open({ ledgers: {} });
    await none.goto('-/coordination');
    await none.page.getByText('There is no coordination ledger to show').waitFor();
    expect([empty.faults, none.faults]).toEqual([[], []]);
    await empty.close();
    await none.close();
  }, 60_000);
});
