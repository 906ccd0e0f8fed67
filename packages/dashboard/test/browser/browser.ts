/**
 * A browser for the tests, and a server that the dashboard is mounted in.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { describe, inject } from 'vitest';
import type { DashboardHandler } from '../../src/index.ts';
import { toNodeListener } from '../../src/node.ts';

/** A `describe` for tests that need a browser: visibly skipped in a run without one. */
export function describeInBrowser(name: string, fn: () => void): void {
  const isSkipped = inject('browser') === '';
  describe.skipIf(isSkipped)(isSkipped ? `${name} (skipped: MONQUE_TEST_BROWSER=skip)` : name, fn);
}

/** A way to the browser of all tests. Its contexts, and all in them, end when it is closed. */
export function connect(): Promise<Browser> {
  return chromium.connect(inject('browser'));
}

/**
 * A place for the tabs of a file. They share it, since each has processes and caches of its own; a test that sets the
 * clock, which goes for all tabs of a place, asks for another.
 */
export function openContext(browser: Browser): Promise<BrowserContext> {
  return browser.newContext({ timezoneId: 'UTC', viewport: { width: 1280, height: 900 } });
}

/** A dashboard that is served. */
export interface Served {
  /** The address of the mount, with its slash. */
  readonly base: string;
  close(): Promise<void>;
}

/** Serves a dashboard, below a prefix when one is given. */
export async function serve(dashboard: DashboardHandler, prefix = '/'): Promise<Served> {
  const server = createServer(toNodeListener(dashboard));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    base: `http://127.0.0.1:${port}${prefix}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A page that notes whatever goes wrong in it. */
export class Tab {
  readonly page: Page;
  readonly #base: string;
  /** Errors of scripts, and what the browser refused by the Content-Security-Policy. */
  readonly faults: string[] = [];

  private constructor(page: Page, base: string) {
    this.page = page;
    this.#base = base;
    // A machine may be busy with much else.
    page.setDefaultTimeout(30_000);
    page.on('pageerror', (error) => this.faults.push(String(error.stack)));
    page.on('console', (message) => {
      const text = message.text();
      // An answer of the API with an error is shown by the page.
      if (message.type() === 'error' && !text.startsWith('Failed to load resource')) {
        this.faults.push(text);
      }
    });
  }

  static async open(context: BrowserContext, base: string): Promise<Tab> {
    return new Tab(await context.newPage(), base);
  }

  /** Goes to a page below the mount, and waits until it stands. */
  async goto(path: string): Promise<void> {
    await this.page.goto(this.#base + path);
    await this.settled();
  }

  /** Waits until nothing on the page is being read for the first time. */
  async settled(): Promise<void> {
    await this.page.waitForFunction(
      () => document.querySelector('main h1') !== null && !document.querySelector('main .ghost'),
    );
  }

  /** Where the tab is, below the mount. */
  get path(): string {
    return this.page.url().slice(this.#base.length);
  }

  /** Closes it; after a test that failed it says what was on the page. */
  async closeAfter(state: string | undefined): Promise<void> {
    if (state === 'fail') {
      const text = await this.page.locator('body').ariaSnapshot();
      console.error(`At ${this.path} the page said:\n${text}`);
    }
    await this.close();
  }

  /** Closes it, and leaves nothing behind that the pages keep in the browser. */
  async close(): Promise<void> {
    if (this.page.url().startsWith(this.#base)) {
      await this.page.evaluate(() => localStorage.clear());
    }
    await this.page.close();
  }
}
