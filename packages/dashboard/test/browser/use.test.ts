/**
 * What holds on every page: all can be done by the keyboard, what was stored is shown and never run, and who may not do
 * something is told so.
 */
import { InMemoryLedgerRepository, Monque } from '@monque/core';
import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { NO_COUNTS } from '../../../core/src/ledger/throughput-sums.ts';
import { until } from '../../../core/test/setup/until.ts';
import { createDashboard } from '../../src/index.ts';
import { connect, describeInBrowser, openContext, type Served, serve, Tab } from './browser.ts';

const MARKUP = '<img src=x onerror="window.wasRun=true"><script>window.wasRun=true</script>';

describeInBrowser('the pages', () => {
  const monque = Monque.inMemory({ maxRetries: 1, logger: false });
  const servers: Served[] = [];
  let browser: Browser;
  let context: BrowserContext;
  let base: string;
  let tab: Tab;

  beforeAll(async () => {
    browser = await connect();
    context = await openContext(browser);
    const served = await serve(createDashboard({ monque, actor: () => 'ann' }));
    servers.push(served);
    base = served.base;
    await monque.enqueueMany(
      Array.from({ length: 60 }, (_, n) => ({ name: n % 2 ? 'mail' : 'report', data: { n } })),
    );
  });

  afterAll(async () => {
    await browser?.close();
    for (const served of servers) await served.close();
    await monque.stop();
  });

  beforeEach(async () => {
    tab = await Tab.open(context, base);
  });

  afterEach(async ({ task }) => {
    await tab.closeAfter(task.result?.state);
    expect(tab.faults).toEqual([]);
  });

  const focused = (): Promise<string | null | undefined> =>
    tab.page.evaluate(() => document.activeElement?.getAttribute('aria-label'));
  const press = async (...keys: string[]): Promise<void> => {
    for (const key of keys) await tab.page.keyboard.press(key);
  };

  test('a filter is made by the keyboard alone, and stands in the address', async () => {
    await tab.goto('-/jobs');
    await press('/');
    expect(await focused()).toBe('Filter jobs');
    await tab.page.keyboard.type('stat');
    const options = tab.page.getByRole('option');
    await options.first().waitFor();
    await press('Enter');
    await tab.page.keyboard.type('pend');
    await press('ArrowDown', 'Enter');
    await until('the state in the address', () => tab.path === '-/jobs?status=pending');
    await tab.page.keyboard.type('name:mai');
    await press('ArrowDown', 'Enter');
    await until('the name in the address', () => tab.path.endsWith('status=pending&name=mail'));
    await press('Backspace');
    await until('the name to be gone', () => tab.path === '-/jobs?status=pending');
    await press('ArrowDown');
    await options.first().waitFor();
    await press('Escape');
    await options.first().waitFor({ state: 'hidden' });
    expect(await focused()).toBe('Filter jobs');
  });

  test('an id that is pasted opens its job', async () => {
    const job = await monque.enqueue('mail', { pasted: true });
    await tab.goto('-/jobs');
    await press('/');
    await tab.page.keyboard.insertText(` ${job._id} `);
    await press('Enter');
    await until('the job', () => tab.path === `-/jobs/${job._id}`);
    await tab.page.getByText('"pasted": ').waitFor();
  });

  test('focus follows to the content of a page, and comes back from a dialog', async () => {
    await tab.goto('');
    await press('Tab');
    expect(await tab.page.evaluate(() => document.activeElement?.textContent)).toBe(
      'Go to the content',
    );
    await press('Enter');
    expect(await tab.page.evaluate(() => document.activeElement?.tagName)).toBe('MAIN');
    await press('g', 'j');
    await until('the jobs', () => tab.path === '-/jobs');
    await tab.settled();
    await until('the focus', () =>
      tab.page.evaluate(() => document.activeElement?.tagName === 'MAIN'),
    );
    await press('Tab', 'Enter');
    await tab.page.getByRole('dialog').waitFor();
    await press('Escape');
    await tab.page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await tab.page.evaluate(() => document.activeElement?.textContent)).toBe(
      'Enqueue a job',
    );
    await press('?');
    await tab.page.getByRole('dialog', { name: 'Keys' }).waitFor();
  });

  test('a menu that was opened leaves the page in its place when the window grows', async () => {
    await tab.page.setViewportSize({ width: 768, height: 900 });
    await tab.goto('-/jobs');
    await tab.page.getByRole('button', { name: 'Menu' }).click();
    await tab.page.getByRole('link', { name: 'Instances' }).waitFor();
    await tab.page.setViewportSize({ width: 1280, height: 900 });
    await tab.page.waitForFunction(() => {
      const { top = 0, left = 0 } = document.querySelector('h1')?.getBoundingClientRect() ?? {};
      return left > 200 && top < 200;
    });
  });

  test('jobs are picked with Shift, and a bulk action counts before it does anything', async () => {
    await tab.goto('-/jobs?name=report&status=pending');
    const picks = tab.page.getByRole('checkbox', { name: /^Pick/ });
    await picks.nth(0).click();
    await picks.nth(4).click({ modifiers: ['Shift'] });
    await tab.page.getByText('5 jobs picked').waitFor();
    await tab.page.getByRole('button', { name: 'Cancel', exact: true }).click();
    await tab.page.getByRole('dialog').getByText('5 jobs match').waitFor();
    await tab.page.getByRole('dialog').getByRole('button', { name: 'Cancel 5' }).click();
    await tab.page.getByText('5 of 5 jobs changed').waitFor();
    const cancelled = await monque.getJobs({ name: 'report', status: 'cancelled' });
    expect(cancelled).toHaveLength(5);
  });

  test('many jobs are explained together', async () => {
    await tab.goto('-/jobs?name=mail&status=pending');
    await tab.page.getByRole('button', { name: 'Why?' }).click();
    const dialog = tab.page.getByRole('dialog');
    await dialog.getByText('No instance is alive').waitFor();
    await dialog.getByText('noInstance').waitFor();
    await dialog.getByRole('link', { name: 'Show one' }).click();
    await tab.page.getByLabel('Why it is where it is').getByText('No instance is alive').waitFor();
  });

  test('a reason that names a limit leads to it', async () => {
    await monque.setLimit('partner-api', { concurrency: 1 });
    const { _id } = await monque.enqueue('mail');
    // What is said when it is full takes workers in several processes.
    await tab.page.route('**/explanation', async (route) => {
      const response = await route.fetch();
      const details = { limit: 'partner-api', concurrency: 1, held: 1, holders: [] };
      const others = [{ reason: 'limitFull', message: "Its limit 'partner-api' is full", details }];
      await route.fulfill({ response, json: { ...(await response.json()), others } });
    });
    await tab.goto(`-/jobs/${_id}`);
    const verdict = tab.page.getByLabel('Why it is where it is');
    await verdict.getByRole('link', { name: 'Show the limit' }).click();
    await tab.page.getByRole('row', { name: /partner-api/ }).waitFor();
    expect(tab.path).toBe('-/limits?limit=partner-api');
    expect(await tab.page.locator('tr.is-picked').count()).toBe(1);
  });

  test('a job is enqueued with exact values, and shows them as they are', async () => {
    await tab.goto('-/jobs');
    await tab.page.getByRole('button', { name: 'Enqueue a job' }).click();
    const dialog = tab.page.getByRole('dialog');
    await dialog.getByLabel('Name', { exact: true }).fill('exact');
    await dialog
      .getByLabel('Data', { exact: true })
      .fill('{"big": {"$numberLong": "9007199254740993"');
    await dialog.getByRole('button', { name: 'Enqueue' }).click();
    await dialog.getByText('The data is not JSON').waitFor();
    await dialog
      .getByLabel('Data', { exact: true })
      .fill('{"big": {"$numberLong": "9007199254740993"}}');
    await dialog.getByRole('button', { name: 'Enqueue' }).click();
    const [job] = await until('the job', async () => {
      const found = await monque.getJobs({ name: 'exact' });
      return found.length > 0 ? found : undefined;
    });
    expect(job?.data).toEqual({ big: 9_007_199_254_740_993n });
    await tab.goto(`-/jobs/${job?._id}`);
    await tab.page.getByText('"9007199254740993"').first().waitFor();
  });

  test('what was stored is shown and never run', async () => {
    const stored = { [MARKUP]: MARKUP, constructor: { prototype: MARKUP }, url: 'javascript:x()' };
    const job = await monque.enqueue(MARKUP, stored, {
      metadata: { note: MARKUP },
      uniqueKey: MARKUP,
    });
    await monque.cancelJob(job._id, { reason: MARKUP });
    for (const path of [`-/jobs/${job._id}`, '-/jobs', '-/names', '-/activity', '']) {
      await tab.goto(path);
      const counts = await tab.page.evaluate(() => ({
        images: document.querySelectorAll('img').length,
        wasRun: 'wasRun' in window,
        links: document.querySelectorAll('a[href^="javascript"]').length,
      }));
      expect([path, counts]).toEqual([path, { images: 0, wasRun: false, links: 0 }]);
    }
    await tab.goto(`-/name?name=${encodeURIComponent(MARKUP)}`);
    expect(await tab.page.locator('h1').textContent()).toBe(MARKUP);
  });

  test('who may only read is told so at each button, and nothing is sent', async () => {
    const served = await serve(createDashboard({ monque, actor: () => 'bob', readOnly: true }));
    servers.push(served);
    const reader = await Tab.open(context, served.base);
    const sent: string[] = [];
    reader.page.on('request', (request) => {
      if (request.method() !== 'GET') sent.push(`${request.method()} ${request.url()}`);
    });
    await reader.goto('-/names');
    const pause = reader.page.getByRole('button', { name: 'Pause mail' });
    expect(await pause.getAttribute('title')).toBe('This dashboard is read-only for you.');
    await pause.focus();
    await reader.page.keyboard.press('Enter');
    await pause.click({ force: true });
    await reader.page.getByText('bob (read-only)').waitFor();
    expect(sent).toEqual([]);
    await reader.close();
  });

  test('the page of metrics says how counts of all processes are kept, and draws them where they are', async () => {
    await tab.goto('-/metrics');
    await tab.page.getByText('throughputHistory', { exact: true }).waitFor();
    const ledger = new InMemoryLedgerRepository();
    const kept = new Monque(ledger, { logger: false, throughputHistory: 86_400_000 });
    const served = await serve(createDashboard({ monque: kept, actor: () => 'ann' }));
    servers.push(served);
    const own = await Tab.open(context, served.base);
    await own.goto('-/metrics?range=15m');
    await own.page.getByText('Nothing was counted in this time').waitFor();
    const minute = Math.floor(Date.now() / 60_000);
    const rows = Array.from({ length: 10 }, (_, before) => ({
      ...{ ...NO_COUNTS, name: 'mail', enqueued: 6, at: new Date((minute - before) * 60_000) },
    }));
    await ledger.addThroughput({ rows, keptMs: 86_400_000 });
    await own.page.reload();
    const counts = own.page.getByRole('img', {
      name: /^Runs that ended, and jobs enqueued, a minute/,
    });
    expect(await counts.getAttribute('aria-label')).toContain('enqueued 6/min');
    await counts.locator('canvas').waitFor();
    expect(own.faults).toEqual([]);
    await own.close();
  });

  test('what has not changed is not sent again, and stands as it was', async () => {
    await tab.goto('-/jobs?status=pending');
    const rows = (): Promise<string[]> => tab.page.locator('tbody tr .mono').allTextContents();
    const before = await rows();
    const comeBack = async (): Promise<number> => {
      await tab.page.getByRole('link', { name: 'Series' }).click();
      await tab.page.getByRole('heading', { name: 'Series', level: 1 }).waitFor();
      const answered = tab.page.waitForResponse('**/api/v1/jobs?**');
      await tab.page.goBack();
      const status = (await answered).status();
      await tab.settled();
      return status;
    };
    expect([await comeBack(), await rows()]).toEqual([304, before]);
    await monque.enqueue('mail', 'is new');
    expect(await comeBack()).toBe(200);
    await tab.page.getByRole('button', { name: /1 new/ }).waitFor();
    // The last of the page has made room for it, and is as pending as before.
    expect([before.length, await tab.page.getByText('moved on').count()]).toEqual([50, 0]);
  });

  test('a server that goes away is reported, and is asked again', async () => {
    const own = await Tab.open(context, base);
    await own.goto('-/settings');
    await own.page.route('**/api/v1/**', (route) => route.abort());
    await own.page.getByRole('link', { name: 'Jobs' }).click();
    await own.page.getByText('The server of this dashboard does not answer.').first().waitFor();
    await own.page.unroute('**/api/v1/**');
    await own.page.getByRole('button', { name: 'Try again' }).click();
    await own.page.getByRole('table', { name: 'Jobs' }).waitFor();
    await own.close();
  });

  test('where a stream does not pass, the pages ask every five seconds', async () => {
    const own = await Tab.open(await openContext(browser), base);
    await own.page.clock.install();
    await own.page.route('**/api/v1/events', (route) => route.fulfill({ status: 501 }));
    await own.goto('');
    await own.page.getByRole('button', { name: 'Live, every 5 s' }).waitFor();
    await own.page.getByRole('table', { name: 'Names' }).waitFor();
    const asked = own.page.waitForRequest('**/api/v1/overview');
    await own.page.clock.runFor(5_000);
    await asked;
    expect(own.faults).toEqual([]);
    await own.page.context().close();
  });

  test('what a browser chose is kept: the theme, and whether single keys do something', async () => {
    await tab.goto('-/settings');
    await tab.page.getByLabel('Theme', { exact: true }).selectOption('dark');
    await tab.page.getByRole('checkbox', { name: /Single keys/ }).uncheck();
    await tab.page.reload();
    await tab.settled();
    const scheme = (): Promise<string> =>
      tab.page.evaluate(() => getComputedStyle(document.documentElement).colorScheme);
    expect(await scheme()).toBe('dark');
    await press('g', 'j');
    expect(tab.path).toBe('-/settings');
    await tab.page.getByRole('button', { name: /^Theme: dark/ }).click();
    expect(await scheme()).toBe('light dark');
  });

  test('a dashboard whose host answers nothing of use says what was answered', async () => {
    const dashboard = createDashboard({ monque, actor: () => 'ann' });
    const served = await serve(async (request) => {
      const isApi = request.url.includes('/api/v1/');
      return isApi ? new Response('<h1>Bad gateway</h1>', { status: 502 }) : dashboard(request);
    });
    servers.push(served);
    const own = await Tab.open(context, served.base);
    await own.page.goto(served.base);
    await own.page.getByText('The server answered with status 502').waitFor();
    await own.close();
  });
});
