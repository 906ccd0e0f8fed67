/**
 * What people come to the dashboard for, on a real server with very many jobs.
 */
import type { Monque } from '@monque/core';
import type { Browser, BrowserContext } from 'playwright-core';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  inject,
  test,
  vi,
} from 'vitest';
import { until } from '../../../core/test/setup/until.ts';
import { FRESH_MS } from '../../src/server/snapshot.ts';
import { connect, describeInBrowser, openContext, type Served, serve, Tab } from './browser.ts';
import { fillOrders, type Orders } from './orders.ts';
import { backToNow, passTime } from './server-clock.ts';

vi.mock(import('../../src/clock.ts'), async (original) =>
  (await import('./server-clock.ts')).movable(await original()),
);

afterAll(backToNow);

const PREFIX = '/admin/jobs/';

describeInBrowser('with very many jobs', () => {
  describe.skipIf(!inject('mongoUri'))('on MongoDB', () => {
    let orders: Orders;
    let monque: Monque;
    let served: Served;
    let browser: Browser;
    let context: BrowserContext;
    let tab: Tab;

    beforeAll(async () => {
      [orders, browser] = await Promise.all([fillOrders(), connect()]);
      context = await openContext(browser);
      monque = orders.monque;
      // The prefix is not stripped: the dashboard finds it by itself.
      served = await serve(orders.dashboard, PREFIX);
    }, 180_000);

    afterAll(async () => {
      await browser?.close();
      await served?.close();
      await orders?.close();
    });

    beforeEach(async () => {
      tab = await Tab.open(context, served.base);
    });

    afterEach(async ({ task }) => {
      await tab.closeAfter(task.result?.state);
      expect(tab.faults).toEqual([]);
    });

    const button = (name: string | RegExp) => tab.page.getByRole('button', { name }).first();
    const link = (name: string | RegExp) => tab.page.getByRole('link', { name }).first();
    const dialog = () => tab.page.getByRole('dialog');
    const verdict = () => tab.page.getByLabel('Why it is where it is');

    test('a failed job is found by its error, says why, and all like it are retried', async () => {
      await tab.goto('');
      await link('Errors').click();
      await link(/card of order <n> was refused/).click();
      await link('charge-card').click();
      await verdict().getByText('It failed for good').waitFor();
      await verdict()
        .getByText(/card of order \d+ was refused: expired/)
        .waitFor();
      await tab.page.goBack();
      await button('Retry all 150 alike').click();
      await dialog().getByText('150 jobs match').waitFor();
      await dialog().getByLabel('Type 150 to go on').fill('150');
      await dialog().getByRole('button', { name: 'Retry 150' }).click();
      await dialog().getByText('150 of 150 jobs changed').waitFor();
      await dialog().getByRole('button', { name: 'Done' }).click();
      await until('all of them to be completed', async () => {
        const done = await monque.getJobs({
          name: 'charge-card',
          status: 'completed',
          limit: 1_000,
        });
        return done.length === 150;
      });
    }, 60_000);

    test('a gate is opened with evidence, which the job keeps with who gave it', async () => {
      const job = await monque.enqueue('import-invoice', { url: 'https://example.com/7.pdf' });
      await until('the job to be at its gate', async () => {
        return (await monque.getJob(job._id))?.status === 'blocked';
      });
      await tab.goto('-/gates');
      await button(/^Open\s+the gate approved/).click();
      await dialog()
        .getByLabel('Evidence', { exact: true })
        .fill('order 4711, signed by the head of sales');
      await dialog().getByRole('button', { name: 'Open' }).click();
      await tab.page.getByText('The gate approved is open').waitFor();
      expect(await monque.waitFor(job._id)).toEqual({ download: { pages: 3 } });
      expect((await monque.getJob(job._id))?.gates).toEqual([
        expect.objectContaining({
          ...{ name: 'approved', by: 'ann' },
          evidence: 'order 4711, signed by the head of sales',
        }),
      ]);
    }, 60_000);

    test('a name that is paused is shown as such everywhere, and resumed where a job waits', async () => {
      await tab.goto('-/names');
      await button('Pause send-newsletter').click();
      await button('Resume send-newsletter').waitFor();
      const later = { delay: 3_600_000 };
      const job = await monque.enqueue('send-newsletter', { edition: 13 }, later);
      await link('Overview').click();
      await tab.page.getByRole('cell', { name: 'paused' }).waitFor();
      await tab.goto(`-/jobs/${job._id}`);
      await verdict().getByText("The name 'send-newsletter' is paused").waitFor();
      await verdict().getByRole('button', { name: 'Resume send-newsletter' }).click();
      await until('the name to go on', async () => {
        return (await monque.inspect()).pausedNames.length === 0;
      });
      await verdict().getByText('is paused').waitFor({ state: 'detached' });
    }, 60_000);

    test('a running job is watched without a reload, and what is paused stands still', async () => {
      const job = await monque.enqueue('render-report', { pages: 4 });
      await tab.close();
      tab = await Tab.open(await openContext(browser), served.base);
      await tab.page.clock.install();
      await tab.goto(`-/jobs/${job._id}`);
      const progress = tab.page.getByText(/^\d+ %$/);
      await verdict().getByText('It runs since').waitFor();
      orders.turnPages(1);
      await progress.getByText('25 %').waitFor();
      // Focus stays where it was while the page is read again.
      await button('Clone').focus();
      orders.turnPages(1);
      await progress.getByText('50 %').waitFor();
      expect(await tab.page.evaluate(() => document.activeElement?.textContent)).toBe('Clone');
      await tab.page.keyboard.press('p');
      await button('Paused').waitFor();
      let asked = 0;
      tab.page.on('request', () => {
        asked += 1;
      });
      orders.turnPages(2);
      await monque.waitFor(job._id);
      await tab.page.clock.runFor(30_000);
      expect([asked, await progress.textContent()]).toEqual([0, '50 %']);
      await button('Paused').click();
      await verdict().getByText('It completed').waitFor();
    }, 60_000);

    test('a running job is asked to cancel, with a reason that its history keeps', async () => {
      const job = await monque.enqueue('render-report', { pages: 100 });
      await tab.goto(`-/jobs/${job._id}`);
      await verdict().getByRole('button', { name: 'Ask it to cancel' }).click();
      await dialog().getByLabel('Reason').fill('the customer left');
      await dialog().getByRole('button', { name: 'Ask it to cancel' }).click();
      await until('the job to be cancelled', async () => {
        return (await monque.getJob(job._id))?.status === 'cancelled';
      });
      passTime(FRESH_MS);
      await verdict().getByText('It was cancelled').waitFor();
      await tab.page.getByText('the customer left').first().waitFor();
    }, 60_000);

    test('a series is moved, and changed with a preview of what that means', async () => {
      const { _id } = await monque.schedule('0 6 * * *', 'daily', {}, { uniqueKey: 'daily' });
      await tab.goto('-/series');
      await link('daily').click();
      await button('Move').click();
      await dialog().getByLabel('Not before').fill('2030-01-02T03:04:05');
      await dialog().getByRole('button', { name: 'Move' }).click();
      await tab.page.getByText('The job was moved').waitFor();
      expect((await monque.getJob(_id))?.nextRunAt).toEqual(new Date('2030-01-02T03:04:05Z'));
      await button(/^Change$/).click();
      await dialog().getByLabel('Cron expression').fill('0 25 * * *');
      await dialog().getByText(/▸/).waitFor();
      await dialog().getByLabel('Cron expression').fill('30 7 * * 1');
      await dialog()
        .getByText(/07:30.*Monday/)
        .waitFor();
      await dialog().getByRole('button', { name: 'Change it' }).click();
      await tab.page.getByText('The series was changed').waitFor();
      const [series] = await monque.getSchedules({ name: 'daily' });
      expect([series?.cron, series?.jobId]).toEqual(['30 7 * * 1', _id]);
    }, 60_000);

    test('a limit is raised while jobs wait for it, and they start', async () => {
      await monque.enqueueMany([{ name: 'call-partner' }, { name: 'call-partner' }]);
      const running = () => monque.getJobs({ name: 'call-partner', status: 'processing' });
      await until('one to run', async () => (await running()).length === 1);
      await tab.goto('-/limits');
      await tab.page.getByText('1 of 1').waitFor();
      await button('Change the limit partner-api').click();
      await dialog().getByLabel('Jobs that run at once').fill('2');
      await dialog().getByLabel('Reason').fill('the partner gave us more');
      await dialog().getByRole('button', { name: 'Change it' }).click();
      await tab.page.getByText('The limit partner-api holds in every process').waitFor();
      await until('both to run', async () => (await running()).length === 2);
      await tab.page.getByText('2 of 2').waitFor();
      expect(await monque.limits()).toMatchObject([{ key: 'partner-api', concurrency: 2 }]);
      orders.turnPages(2);
      await until('both to end', async () => (await running()).length === 0);
    }, 60_000);

    test('an order that a failed job holds up goes on when that is retried', async () => {
      const order = 'order-17';
      await monque.enqueue('ship-order', 'lost', { order });
      const last = await monque.enqueue('ship-order', 'hand over', { order });
      await until('the order to be halted', async () => {
        return (await monque.orders('ship-order', { halted: true })).length === 1;
      });
      await tab.goto(`-/jobs/${last._id}`);
      await verdict().getByText('It waits behind job').waitFor();
      await verdict().getByRole('link', { name: 'Show the orders' }).click();
      await tab.page.getByText('halted', { exact: true }).waitFor();
      await button('Retry the failed job of order-17').click();
      await monque.waitFor(last);
      passTime(FRESH_MS);
      await tab.page.getByText('No order is on').waitFor();
    }, 60_000);

    test('a dead letter is found by why it failed, and redriven at a rate', async () => {
      const job = await monque.enqueue('notify', 12);
      await until('the dead letter', async () => {
        return (await monque.getJob(job._id))?.name === 'notify.dead';
      });
      await tab.goto('-/dead-letters?window=200');
      // A name more changes nothing of how many jobs are looked at.
      await tab.page.getByLabel('Filter dead letters', { exact: true }).fill('name:notify.dead');
      await tab.page.keyboard.press('ArrowDown');
      await tab.page.keyboard.press('Enter');
      await until('the name in the address', () => tab.path.includes('name=notify.dead'));
      expect(new URLSearchParams(tab.path.split('?')[1]).get('window')).toBe('200');
      await link('partner <n> answered <n>').click();
      await button('Redrive all 1 alike').click();
      await dialog().getByText('1 job matches').waitFor();
      await dialog().getByLabel('How many become due in a second').fill('50');
      await dialog().getByRole('button', { name: 'Redrive 1' }).click();
      await dialog().getByText('1 of 1 job changed').waitFor();
      await dialog().getByRole('button', { name: 'Done' }).click();
      await tab.page.getByText('There are no dead letters').waitFor();
      await monque.waitFor(job._id);
      expect((await monque.getJob(job._id))?.name).toBe('notify');
    }, 60_000);

    test('a flow is looked at as a graph, cancelled after a count, and redriven', async () => {
      const flow = await monque.enqueueFlow({
        jobs: {
          later: { name: 'send-newsletter', options: { delay: 3_600_000 } },
          tell: { name: 'charge-card', after: ['later'] },
        },
      });
      await tab.goto(`-/jobs/${flow.jobs.tell?._id}`);
      await verdict().getByText("It waits for its parent 'later'").waitFor();
      await verdict().getByRole('link', { name: 'Show the flow' }).click();
      const graph = tab.page.getByLabel('The flow as a graph');
      await graph.getByRole('link', { name: /later\s*pending · send-newsletter/ }).waitFor();
      await tab.page.getByText('The same as a table').click();
      const parts = tab.page.getByRole('table', { name: 'Parts of the flow' });
      await parts.getByRole('row', { name: /tell charge-card blocked later/ }).waitFor();
      await button(/^Cancel$/).click();
      await dialog().getByText('2 jobs match').waitFor();
      await dialog().getByRole('button', { name: 'Cancel 2' }).click();
      await dialog().getByText('2 of 2 jobs changed').waitFor();
      await dialog().getByRole('button', { name: 'Done' }).click();
      await graph.getByRole('link', { name: /tell\s*cancelled · charge-card/ }).waitFor();
      expect((await monque.getFlow(flow.id))?.state).toBe('cancelled');
      await button(/^Redrive$/).click();
      await dialog().getByText('2 jobs match').waitFor();
      await dialog().getByRole('button', { name: 'Redrive 2' }).click();
      await dialog().getByText('2 of 2 jobs changed').waitFor();
      await until('the flow to be done', async () => {
        return (await monque.getFlow(flow.id))?.state === 'completed';
      });
    }, 60_000);

    test('a group is paused and resumed where a job of it waits', async () => {
      await monque.setGroup('sync', 'acme', { paused: true });
      const job = await monque.enqueue('sync', 1, { group: 'acme' });
      await tab.goto('-/limits?name=sync');
      await tab.page.getByRole('cell', { name: 'paused' }).waitFor();
      await link('acme').click();
      await link('sync').click();
      await verdict().getByText("Its group 'acme' is paused").waitFor();
      await verdict().getByRole('button', { name: 'Resume the group' }).click();
      await monque.waitFor(job);
      passTime(FRESH_MS);
      await verdict().getByText('It completed').waitFor();
    }, 60_000);

    test('each address is the state of its page: reloaded or shared it shows the same', async () => {
      await tab.goto('-/jobs?name=send-email&status=completed');
      await button('Next page').click();
      await until('the next page to be in the address', () => tab.path.includes('cursor='));
      await tab.settled();
      const rows = (of: Tab): Promise<string[]> =>
        of.page.locator('tbody tr .mono').allTextContents();
      const shown = await until('the next page', async () => {
        const found = await rows(tab);
        return found.length === 50 ? found : undefined;
      });
      await tab.page.reload();
      await tab.settled();
      expect(await rows(tab)).toEqual(shown);
      const other = await Tab.open(context, served.base);
      await other.goto(tab.path);
      expect(await rows(other)).toEqual(shown);
      await other.close();
      await tab.page.goBack();
      await until('the first page', async () => (await rows(tab))[0] !== shown[0]);
    }, 60_000);

    test('a list does not jump: what is new comes when it is asked for', async () => {
      await tab.goto('-/jobs?name=send-newsletter&status=pending&status=completed');
      const ids = (): Promise<string[]> => tab.page.locator('tbody tr .mono').allTextContents();
      const before = await ids();
      const job = await monque.enqueue('send-newsletter', { edition: 14 });
      passTime(FRESH_MS);
      await button(/1 new: show the list as it is now/).waitFor();
      expect(await ids()).toEqual(before);
      await button(/1 new/).click();
      expect((await ids())[0]).toBe(String(job._id));
    }, 60_000);
  });
});
