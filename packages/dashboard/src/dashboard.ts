/**
 * Makes a dashboard: one function from a request to its answer.
 *
 * @module
 */
import { ASSETS } from './assets.generated.ts';
import { checkOptions, type DashboardOptions } from './options.ts';
import { App } from './server/app.ts';
import { Server } from './server/server.ts';

/** Answers every request, of the pages and of the API. Never rejects. */
export type DashboardHandler = (request: Request) => Promise<Response>;

/**
 * Makes a dashboard and its HTTP API.
 *
 * The path it is mounted at needs no option: it is found in the address of each request. Nothing is read from the
 * database, and no timer runs, while nobody looks.
 *
 * @throws InvalidArgumentError naming the option that is wrong
 * @example
 * ```ts
 * const dashboard = createDashboard({ monque, actor: (request) => userOf(request) });
 * const response = await dashboard(new Request('http://localhost/admin/jobs/'));
 * ```
 */
export function createDashboard(options: DashboardOptions): DashboardHandler {
  checkOptions(options);
  const app = new App(new Server(options), ASSETS);
  return (request) => app.answer(request);
}
