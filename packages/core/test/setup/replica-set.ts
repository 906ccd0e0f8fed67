import { mkdir, mkdtemp, readFile, statfs } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Db, MongoClient } from 'mongodb';
import { type SupervisedProcess, type Supervisor, startSupervisor } from './supervisor.ts';
import { until } from './until.ts';

export interface ReplicaSetOptions {
  /** The path of a mongod. */
  readonly binary: string;
  /** @default 1 */
  readonly members?: number;
  /**
   * The hosts by which clients and members find the members on these ports, for example proxies in
   * front of them. Called once, when the members listen. By default the ports on 127.0.0.1.
   */
  readonly advertise?: (ports: readonly number[]) => Promise<readonly string[]>;
  /** Added to, or put in place of, the set's `settings`, for example `electionTimeoutMillis`. */
  readonly settings?: Readonly<Record<string, number>>;
}

/** A running replica set; all of it goes when `stop` is called or when this process ends. */
export interface ReplicaSet {
  /** For clients: names the advertised hosts. */
  readonly uri: string;
  readonly hosts: readonly string[];
  /** The members' own ports on 127.0.0.1. */
  readonly ports: readonly number[];
  /** The folder with the data and the logs. */
  readonly folder: string;
  readonly supervisorPid: number;
  /** The process id of the mongod that was last started on the port. */
  pid(port: number): number;
  /** Sends a signal to the member's mongod; SIGKILL by default. Its data stays. */
  kill(port: number, signal?: NodeJS.Signals): void;
  /** Starts an ended member on its data again, and waits until it is primary or secondary. */
  restart(port: number): Promise<void>;
  /** Kills every member and removes the folder. Idempotent. */
  stop(): Promise<void>;
}

interface Member {
  readonly port: number;
  readonly folder: string;
  process: SupervisedProcess;
}

const SET_NAME = 'rs0';
const START_DEADLINE_MS = 45_000;
const MEMORY = '/dev/shm';
const MEMORY_NEEDED = 4 * 1024 ** 3;

/** Starts a replica set and resolves when it has a primary and every member is up. */
export async function startReplicaSet(options: ReplicaSetOptions): Promise<ReplicaSet> {
  const folder = await mkdtemp(join(await placeOfData(), 'monque-mongod-'));
  const supervisor = startSupervisor(folder);
  try {
    const ports = await freePorts(options.members ?? 1);
    const members = await Promise.all(
      ports.map((port) => startMember(supervisor, options.binary, port, join(folder, `${port}`))),
    );
    const hosts = (await options.advertise?.(ports)) ?? ports.map((port) => `127.0.0.1:${port}`);
    await initiate(members, hosts, options.settings);
    return handle({ supervisor, binary: options.binary, folder, members, hosts });
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
}

/** In memory, where it has room for what a whole run writes: a disk that is slow, or busy, then delays no write. */
async function placeOfData(): Promise<string> {
  const { bavail, bsize } = await statfs(MEMORY).catch(() => ({ bavail: 0, bsize: 0 }));
  return bavail * bsize >= MEMORY_NEEDED ? MEMORY : tmpdir();
}

interface StartedSet {
  readonly supervisor: Supervisor;
  readonly binary: string;
  readonly folder: string;
  readonly members: readonly Member[];
  readonly hosts: readonly string[];
}

function handle({ supervisor, binary, folder, members, hosts }: StartedSet): ReplicaSet {
  const memberOn = (port: number): Member => {
    const member = members.find((candidate) => candidate.port === port);
    if (!member) throw new Error(`No member of the set is on port ${port}`);
    return member;
  };
  return {
    uri: `mongodb://${hosts.join(',')}/?replicaSet=${SET_NAME}`,
    hosts,
    ports: members.map((member) => member.port),
    folder,
    supervisorPid: supervisor.pid,
    pid: (port) => memberOn(port).process.pid,
    kill: (port, signal = 'SIGKILL') => {
      process.kill(memberOn(port).process.pid, signal);
    },
    restart: async (port) => {
      const member = memberOn(port);
      await member.process.ended;
      member.process = await startMongod(supervisor, binary, port, member.folder);
      await onMember(port, untilUp);
    },
    stop: () => supervisor.stop(),
  };
}

async function startMember(
  supervisor: Supervisor,
  binary: string,
  port: number,
  folder: string,
): Promise<Member> {
  await mkdir(folder);
  return { port, folder, process: await startMongod(supervisor, binary, port, folder) };
}

async function startMongod(
  supervisor: Supervisor,
  binary: string,
  port: number,
  folder: string,
): Promise<SupervisedProcess> {
  const mongod = await supervisor.run(binary, mongodArguments(port, folder));
  let ended: string | undefined;
  void mongod.ended.then((why) => {
    ended = why;
  });
  await until(
    `mongod to listen on port ${port}`,
    async () => {
      if (ended) throw new Error(`mongod ended (${ended})\n${await logTail(folder)}`);
      return canConnect(port);
    },
    START_DEADLINE_MS,
  );
  return mongod;
}

function mongodArguments(port: number, folder: string): string[] {
  return [
    ...['--port', `${port}`, '--dbpath', folder, '--logpath', join(folder, 'mongod.log')],
    ...['--replSet', SET_NAME, '--bind_ip', '127.0.0.1', '--nounixsocket'],
    ...['--wiredTigerCacheSizeGB', '0.25'],
    // Oftener than by default: majority reads and dropping a database wait for it. At 1 ms it costs more than it gives.
    ...['--journalCommitInterval', '5'],
    // Without it each member preallocates 300 MB of journal.
    ...['--wiredTigerEngineConfigString', 'log=(prealloc=false,file_max=10MB)'],
    ...['--setParameter', 'enableTestCommands=1'],
    ...['--setParameter', 'diagnosticDataCollectionEnabled=false'],
  ];
}

async function initiate(
  members: readonly Member[],
  hosts: readonly string[],
  settings: ReplicaSetOptions['settings'],
): Promise<void> {
  const [first] = members;
  if (!first) throw new Error('A replica set needs at least one member');
  await onMember(first.port, async (admin) => {
    await assertOurs(admin, first);
    await admin.command({
      replSetInitiate: {
        _id: SET_NAME,
        members: hosts.map((host, index) => ({ _id: index, host, priority: index === 0 ? 2 : 1 })),
        // The first election waits one election timeout, and members find each other by heartbeats.
        settings: { electionTimeoutMillis: 1000, heartbeatIntervalMillis: 100, ...settings },
      },
    });
  });
  await Promise.all(members.map((member) => onMember(member.port, untilUp)));
  await onMember(first.port, async (admin) => {
    await until(
      'a primary',
      async () => (await admin.command({ hello: 1 })).isWritablePrimary,
      START_DEADLINE_MS,
    );
  });
}

/** A mongod that took the port in the meantime would answer in the place of ours. */
async function assertOurs(admin: Db, member: Member): Promise<void> {
  const { pid } = await admin.command({ serverStatus: 1, repl: 0, metrics: 0 });
  if (Number(pid) !== member.process.pid) {
    throw new Error(`Port ${member.port} was taken by another mongod (process ${pid})`);
  }
}

async function untilUp(admin: Db): Promise<void> {
  await until(
    'a member to be primary or secondary',
    async () => {
      const hello = await admin.command({ hello: 1 });
      return hello.isWritablePrimary || hello.secondary;
    },
    START_DEADLINE_MS,
  );
}

async function onMember(port: number, work: (admin: Db) => Promise<void>): Promise<void> {
  const client = new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`);
  try {
    await work(client.db('admin'));
  } finally {
    await client.close();
  }
}

async function logTail(folder: string): Promise<string> {
  const log = await readFile(join(folder, 'mongod.log'), 'utf8').catch(() => '(no log)');
  return log.trim().split('\n').slice(-15).join('\n');
}

/** Ports nobody listens on now, all different. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, listen));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

function listen(): Promise<ReturnType<typeof createServer>> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
