import { chromium } from 'playwright-core';
import type { TestProject } from 'vitest/node';
import { findChromium } from './find-chromium.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The address of the browser of all tests; empty with MONQUE_TEST_BROWSER=skip. */
    browser: string;
  }
}

const SKIP_NOTICE = `
==========================================================================================
 MONQUE_TEST_BROWSER=skip: NO BROWSER IS USED IN THIS RUN.
 Left out: the pages of the dashboard, their accessibility, and the journeys through them.
==========================================================================================
`;

/** Starts one browser for all tests in one; gives what ends it. */
export async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const mode = process.env.MONQUE_TEST_BROWSER;
  if (mode && mode !== 'skip') {
    throw new Error(`Expected MONQUE_TEST_BROWSER to be 'skip' or not set, got '${mode}'`);
  }
  if (mode === 'skip') {
    console.log(SKIP_NOTICE);
    project.provide('browser', '');
    return undefined;
  }
  const { binary: executablePath } = await findChromium();
  // As root there is no sandbox, and the small shared memory of containers is no place for pages.
  const args = ['--no-sandbox', '--disable-dev-shm-usage'];
  const server = await chromium.launchServer({ executablePath, args });
  project.provide('browser', server.wsEndpoint());
  return () => server.close();
}
