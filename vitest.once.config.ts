import { defineConfig } from 'vitest/config';
import config, { once, tsed } from './vitest.config.ts';

/**
 * For `npm test`: the projects `units`, `driver-7`, `simulation` and `browser` as one, so that the processes of the tests begin
 * and load the library once, not once a project.
 */
export default defineConfig({ ...config, test: { ...config.test, projects: [once, tsed] } });
