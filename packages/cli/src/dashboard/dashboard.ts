/**
 * `monque dashboard`: the dashboard on this machine alone, behind an address that works once.
 *
 * What always holds: it listens on 127.0.0.1; a request that names another host is refused, so that no page elsewhere can
 * reach it under a name of its own; and without the cookie that the address gave, nothing is shown.
 *
 * @module
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createDashboard, type LedgersOption } from '@monque/dashboard';
import { toNodeListener } from '@monque/dashboard/node';
import type { Session } from '../context/context.ts';
import { CliError } from '../context/errors.ts';
import { ExitCode } from '../context/exit-codes.ts';

/** Options of `dashboard`. */
export interface DashboardOptions {
  readonly port: number;
  readonly readOnly?: boolean;
  /** The file of a verification ledger. */
  readonly steps?: string;
  /** The file of a coordination ledger. */
  readonly tasks?: string;
}

const HOST = '127.0.0.1';

/** `monque dashboard` */
export async function dashboard(
  session: Session,
  { port, readOnly = false, ...files }: DashboardOptions,
): Promise<ExitCode> {
  const { output } = session;
  const { monque } = await session.open();
  const { actor } = await session.settings();
  const signal = session.watchInterrupt();
  const ledgers = await openLedgers(session, files);
  const listener = toNodeListener(
    createDashboard({ monque, actor: () => actor, readOnly, ledgers }),
  );
  const door = new Door(listener);
  const server = createServer((request, response) => void door.answer(request, response));
  await listen(server, port);
  try {
    const address = door.addressOn((server.address() as AddressInfo).port);
    await output.record({ address }, () => address);
    const mode = readOnly ? 'Nothing can be changed there. ' : '';
    output.note(`${mode}The address works once, in one browser. Ctrl-C ends it.`);
    if (!signal.aborted) await once(signal, 'abort');
  } finally {
    server.closeAllConnections();
    server.close();
  }
  output.note('The dashboard is ended.');
  return ExitCode.DONE;
}

async function openLedgers(
  session: Session,
  { steps, tasks }: Pick<DashboardOptions, 'steps' | 'tasks'>,
): Promise<LedgersOption> {
  if (steps === undefined && tasks === undefined) return {};
  const { openSteps, openTasks } = await import('../ledgers/open.ts');
  return {
    ...(steps !== undefined && {
      verification: (await openSteps(session, { file: steps })).ledger,
    }),
    ...(tasks !== undefined && {
      coordination: (await openTasks(session, { file: tasks })).ledger,
    }),
  };
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, HOST);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new CliError(`Port ${port} cannot be listened on: ${(error as Error).message}`);
  }
}

/** Lets in who comes with the address the first time, and from then on who has its cookie. */
class Door {
  readonly #listener: ReturnType<typeof toNodeListener>;
  readonly #session = randomBytes(24).toString('base64url');
  #token: string | undefined = randomBytes(24).toString('base64url');
  #hosts: readonly string[] = [];
  #cookie = '';

  constructor(listener: ReturnType<typeof toNodeListener>) {
    this.#listener = listener;
  }

  /** The address to open, once it is known on which port. */
  addressOn(port: number): string {
    this.#hosts = [`${HOST}:${port}`, `localhost:${port}`];
    // Cookies are shared by all ports of a host.
    this.#cookie = `monque-${port}`;
    return `http://${HOST}:${port}/open/${this.#token}`;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { host = '', cookie = '' } = request.headers;
    const { url = '/' } = request;
    if (!this.#hosts.includes(host)) return refuse(response, 421, 'This host is not served here.');
    if (this.#token !== undefined && isSame(url, `/open/${this.#token}`))
      return this.#open(response);
    const wanted = `${this.#cookie}=${this.#session}`;
    const isKnown = cookie.split('; ').some((one) => isSame(one, wanted));
    if (isKnown) return this.#listener(request, response);
    const how =
      'Open the address that `monque dashboard` printed. It works once; start it again for a new one.';
    refuse(response, 401, how);
  }

  #open(response: ServerResponse): void {
    this.#token = undefined;
    const cookie = `${this.#cookie}=${this.#session}; HttpOnly; SameSite=Strict; Path=/`;
    const headers = {
      'set-cookie': cookie,
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
    };
    response.writeHead(303, { ...headers, location: '/' }).end();
  }
}

function refuse(response: ServerResponse, status: number, text: string): void {
  const headers = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' };
  response.writeHead(status, headers).end(`${text}\n`);
}

/** Takes as long for a text that is nearly right as for any other of its length. */
function isSame(given: string, wanted: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(wanted)];
  return one.length === other.length && timingSafeEqual(one, other);
}
