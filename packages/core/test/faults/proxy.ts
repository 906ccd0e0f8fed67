import { EventEmitter, once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { within } from '../setup/until.ts';
import { type DropOptions, type FaultOptions, FaultRule, HeldReplies } from './fault-rule.ts';
import { byMessage, parseRequest, requestId, responseTo, type WireRequest } from './wire.ts';

export interface FaultProxyOptions {
  /** The port of a mongod on 127.0.0.1. */
  readonly target: number;
  /** @default a free one */
  readonly port?: number;
}

export interface FaultProxyEvents {
  connection: [];
  /** Before any fault strikes it. */
  request: [request: WireRequest];
}

interface Link {
  readonly client: Socket;
  readonly upstream: Socket;
  readonly awaited: Map<number, FaultRule>;
  silent: boolean;
}

/** Starts a TCP proxy in front of one mongod that can lose, delay and hold what passes. */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const server = createServer({ noDelay: true });
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  return new FaultProxy(server, options.target);
}

export class FaultProxy {
  readonly port: number;
  readonly events: EventEmitter<FaultProxyEvents> = new EventEmitter();
  readonly #server: Server;
  readonly #target: number;
  readonly #links = new Set<Link>();
  #rules: FaultRule[] = [];
  #latencyMs = 0;
  #silent = false;
  #refusing = false;

  constructor(server: Server, target: number) {
    this.#server = server;
    this.#target = target;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => this.#accept(socket));
  }

  /** Reaches only the member behind this proxy, whatever its replica set says. */
  get directUri(): string {
    return `mongodb://127.0.0.1:${this.port}/?directConnection=true`;
  }

  /** How many clients are connected. */
  get connections(): number {
    return [...this.#links].filter((link) => !link.client.destroyed).length;
  }

  /** The command is executed, and its reply is lost. */
  dropReply({ ending = 'cut', ...options }: DropOptions = {}): FaultRule {
    return this.#add(new FaultRule('reply', ending, options));
  }

  /** The command never reaches the server. */
  dropRequest({ ending = 'cut', ...options }: DropOptions = {}): FaultRule {
    return this.#add(new FaultRule('request', ending, options));
  }

  /** The command is executed, and its reply kept back until released. */
  holdReply(options: FaultOptions = {}): HeldReplies {
    return this.#add(new HeldReplies(options));
  }

  /** Delays every message, in each direction. */
  latency(ms: number): void {
    this.#latencyMs = ms;
  }

  /** Resets every connection. */
  cut(): void {
    for (const link of this.#links) this.#reset(link);
  }

  /** Swallows all that passes, in silence; new connections are accepted. `false` cuts them all. */
  blackhole(on = true): void {
    this.#silent = on;
    if (!on) this.cut();
  }

  /** Resets every new connection at once; the present ones stay. */
  refuse(on = true): void {
    this.#refusing = on;
  }

  /** Ends every fault; connections that are silent for good are cut, replies held are delivered. */
  clear(): void {
    for (const rule of this.#rules) {
      if (rule instanceof HeldReplies) rule.release();
      rule.end();
    }
    this.#rules = [];
    this.#latencyMs = 0;
    this.#refusing = false;
    for (const link of this.#links) if (link.silent) this.#reset(link);
    if (this.#silent) this.blackhole(false);
  }

  /** The next request of the given command. */
  async nextRequest(command: string, deadlineMs = 10_000): Promise<WireRequest> {
    let listener: ((request: WireRequest) => void) | undefined;
    const seen = new Promise<WireRequest>((resolve) => {
      listener = (request) => {
        if (request.command === command) resolve(request);
      };
      this.events.on('request', listener);
    });
    try {
      return await within(`A request ${command}`, seen, deadlineMs);
    } finally {
      if (listener) this.events.off('request', listener);
    }
  }

  /** Resets every connection and stops listening. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cut();
    await closed;
  }

  #add<R extends FaultRule>(rule: R): R {
    this.#rules.push(rule);
    return rule;
  }

  #accept(client: Socket): void {
    if (this.#refusing) {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect({ host: '127.0.0.1', port: this.#target, noDelay: true });
    const link: Link = { client, upstream, awaited: new Map(), silent: false };
    this.#links.add(link);
    client.on(
      'data',
      byMessage((message) => this.#onRequest(link, message)),
    );
    upstream.on(
      'data',
      byMessage((message) => this.#onReply(link, message)),
    );
    for (const socket of [client, upstream]) {
      socket.on('error', () => {});
      socket.on('close', () => this.#onClose(link));
    }
    this.events.emit('connection');
  }

  #onRequest(link: Link, message: Buffer): void {
    const request = parseRequest(message);
    this.events.emit('request', request);
    const rule = this.#rules.find((candidate) => candidate.claim(request));
    if (rule?.on === 'request') {
      this.#lose(link, rule);
      return;
    }
    if (rule) link.awaited.set(requestId(message), rule);
    this.#send(link, link.upstream, message);
  }

  #onReply(link: Link, message: Buffer): void {
    const rule = link.awaited.get(responseTo(message));
    if (!rule) {
      this.#send(link, link.client, message);
      return;
    }
    link.awaited.delete(responseTo(message));
    if (rule instanceof HeldReplies) rule.hold(() => this.#send(link, link.client, message));
    else this.#lose(link, rule);
  }

  #lose(link: Link, rule: FaultRule): void {
    if (rule.effect === 'hang') link.silent = true;
    else this.#reset(link);
    rule.hit();
  }

  #send(link: Link, socket: Socket, message: Buffer): void {
    const write = (): void => {
      if (!link.silent && !this.#silent && socket.writable) socket.write(message);
    };
    if (this.#latencyMs > 0) setTimeout(write, this.#latencyMs);
    else write();
  }

  #onClose(link: Link): void {
    // Silence means that neither side hears of the other's end.
    if (link.silent || this.#silent) {
      if (link.client.destroyed && link.upstream.destroyed) this.#links.delete(link);
      return;
    }
    this.#links.delete(link);
    link.client.destroy();
    link.upstream.destroy();
  }

  #reset(link: Link): void {
    this.#links.delete(link);
    link.client.resetAndDestroy();
    link.upstream.resetAndDestroy();
  }
}
