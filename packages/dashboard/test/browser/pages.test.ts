/**
 * Every page in both themes: nothing that axe finds, nothing that the browser refuses, no page wider than a narrow
 * window. With MONQUE_TEST_PICTURES=take a picture of each is left for people to look at, in both themes and each width.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { AxeResults, RunOptions } from 'axe-core';
import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { volume } from '../../../core/test/setup/volume.ts';
import { connect, describeInBrowser, openContext, Tab } from './browser.ts';
import {
  OPENED_BY,
  PAGE_NAMES,
  type PageName,
  type Shop,
  serveShop,
  VARIANTS,
} from './shop-pages.ts';

const FOLDER = fileURLToPath(new URL('../../screenshots/', import.meta.url));
const WIDTHS = [1440, 768, 320] as const;
const HEIGHT = 900;
const TAKES_PICTURES = process.env.MONQUE_TEST_PICTURES === 'take';
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Where the frame around the pages, which is the same on each, is looked at in both themes. */
const FRAMED: readonly PageName[] = ['overview', 'menu'];

const PAGES = volume<readonly PageName[]>(
  PAGE_NAMES,
  PAGE_NAMES.filter((name) => !VARIANTS.includes(name)),
);

/** Rows of a table that axe looks at; those below them are made of the same parts. */
const ROWS = volume(1_000, 10);

interface Axe {
  run(within: { include: string; exclude: string }, options: RunOptions): Promise<AxeResults>;
}

describeInBrowser('each page', () => {
  let shop: Shop;
  let browser: Browser;
  let context: BrowserContext;
  let axe: string;
  /** Tabs between two pages: what is loaded anew in the same tab, the browser has compiled before. */
  const idle: Tab[] = [];

  beforeAll(async () => {
    await mkdir(FOLDER, { recursive: true });
    axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    [shop, browser] = await Promise.all([serveShop(), connect()]);
    context = await openContext(browser);
  });

  afterAll(async () => {
    await browser?.close();
    await shop?.close();
  });

  test.concurrent.each(PAGES)(
    '%s is accessible and fits its window in both themes',
    async (name) => {
      const tab = idle.pop() ?? (await openTab());
      await tab.page.emulateMedia({ colorScheme: 'light' });
      await tab.goto(shop.pages[name]);
      // Charts are drawn by a script that comes later.
      if (name === 'metrics') await tab.page.locator('.uplot').first().waitFor();
      await open(tab, name);
      // The page below a dialog is looked at under its own name.
      const part = OPENED_BY[name] === undefined ? 'html' : 'dialog';
      const faults = await faultsOf(tab, part, { runOnly: RULES });
      const tooWide = await widths(tab, `${name}-light`);
      await tab.page.emulateMedia({ colorScheme: 'dark' });
      // The themes differ in nothing but colours.
      const coloured = part === 'html' && !FRAMED.includes(name) ? 'main' : part;
      faults.push(...(await faultsOf(tab, coloured, { runOnly: ['color-contrast'] })));
      if (TAKES_PICTURES) await widths(tab, `${name}-dark`);
      expect({ faults, tooWide, refused: tab.faults }).toEqual({
        ...{ faults: [], tooWide: [], refused: [] },
      });
      idle.push(tab);
    },
    120_000,
  );

  async function openTab(): Promise<Tab> {
    const tab = await Tab.open(context, shop.base);
    await tab.page.setViewportSize({ width: WIDTHS[0], height: HEIGHT });
    await tab.page.addInitScript(axe);
    return tab;
  }
});

/** Opens what is shown above the page, and waits until it stands. */
async function open(tab: Tab, name: PageName): Promise<void> {
  if (name === 'menu') {
    await tab.page.setViewportSize({ width: 320, height: HEIGHT });
    await tab.page.getByRole('button', { name: 'Menu' }).click();
    await tab.page.getByRole('link', { name: 'Instances' }).waitFor();
    // The focus goes there once the menu is drawn.
    await tab.page.waitForFunction(() => document.activeElement?.textContent === 'Shop');
  }
  const by = OPENED_BY[name];
  if (by === undefined) return;
  if (typeof by === 'string') await tab.page.keyboard.press(by);
  else await tab.page.getByRole('button', { name: by }).first().click();
  await tab.page.getByRole('dialog').waitFor();
  await tab.page.waitForFunction(() => document.querySelector('dialog .ghost') === null);
}

/** What axe finds in the part of the page that is selected, as sentences. */
async function faultsOf(tab: Tab, selector: string, options: RunOptions): Promise<string[]> {
  const results = await tab.page.evaluate(
    ({ within, given }): Promise<AxeResults> => {
      return (Reflect.get(window, 'axe') as Axe).run(within, given);
    },
    {
      within: { include: selector, exclude: `tbody > tr:nth-child(n + ${ROWS + 1})` },
      // What it would load to look into style sheets, no rule of these needs.
      given: { ...options, resultTypes: ['violations' as const], preload: false },
    },
  );
  return results.violations.flatMap(({ id, nodes }) =>
    nodes.slice(0, 3).map(({ target, failureSummary }) => `${id}: ${target} ${failureSummary}`),
  );
}

/** A picture of so much of the page, written for speed and not for size. */
async function picture({ page }: Tab, width: number, height: number): Promise<Buffer> {
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send('Page.captureScreenshot', {
    ...{ format: 'png', optimizeForSpeed: true, captureBeyondViewport: height > HEIGHT },
    clip: { x: 0, y: 0, width, height, scale: 1 },
  });
  await session.detach();
  return Buffer.from(data, 'base64');
}

/** Goes through the widths; those at which the page is wider than the window are the answer. */
async function widths(tab: Tab, name: string): Promise<number[]> {
  const tooWide: number[] = [];
  for (const width of WIDTHS) {
    await tab.page.setViewportSize({ width, height: HEIGHT });
    // It is drawn again at the second frame from now.
    await tab.page.evaluate(
      () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
    );
    const { over, height } = await tab.page.evaluate(() => {
      const { scrollWidth, scrollHeight } = document.documentElement;
      return { over: scrollWidth - innerWidth, height: scrollHeight };
    });
    if (over > 0) tooWide.push(width);
    if (!TAKES_PICTURES) continue;
    const shown = width === WIDTHS[0] ? height : HEIGHT;
    await writeFile(`${FOLDER}${name}-${width}.png`, await picture(tab, width, shown));
  }
  await tab.page.setViewportSize({ width: WIDTHS[0], height: HEIGHT });
  return tooWide;
}
