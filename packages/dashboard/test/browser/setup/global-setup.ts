import type { TestProject } from 'vitest/node';
import { findChromium } from './find-chromium.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The browser that the tests start; empty with MONQUE_TEST_BROWSER=skip. */
    chromium: string;
  }
}

const SKIP_NOTICE = `
==========================================================================================
 MONQUE_TEST_BROWSER=skip: NO BROWSER IS USED IN THIS RUN.
 Left out: the pages of the dashboard, their accessibility, and the journeys through them.
==========================================================================================
`;

/** Runs once before the tests in a browser. */
export async function setup(project: TestProject): Promise<void> {
  const mode = process.env.MONQUE_TEST_BROWSER;
  if (mode && mode !== 'skip') {
    throw new Error(`Expected MONQUE_TEST_BROWSER to be 'skip' or not set, got '${mode}'`);
  }
  if (mode === 'skip') {
    console.log(SKIP_NOTICE);
    project.provide('chromium', '');
    return;
  }
  project.provide('chromium', (await findChromium()).binary);
}
