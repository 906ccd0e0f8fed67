import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { run } from '../../../../core/test/setup/mongod-binary.ts';
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

const BUILD_MS = 120_000;
const place = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

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
  if (!existsSync(place('src/assets.generated.ts'))) {
    await run(process.execPath, [place('build-pages.mjs')], { timeoutMs: BUILD_MS });
  }
  project.provide('chromium', (await findChromium()).binary);
}
