/**
 * PostgreSQL at its own defaults, so every commit is on the disk before it is acknowledged, with room for the
 * connections of many processes. It refuses to run as the superuser, so then it runs as the user that its package made.
 *
 * @module
 */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { startSupervisor } from '../../packages/core/test/setup/supervisor.ts';
import { until } from '../../packages/core/test/setup/until.ts';
import { cpuMsOf, findProgram, freePort } from './processes.ts';
import { type Server, ServerMissingError } from './server.ts';

const PACKAGES_FOLDER = '/usr/lib/postgresql';
const USER = 'postgres';
const MOST_CONNECTIONS = 500;
const execute = promisify(execFile);

/** Starts it, and resolves when it takes connections. */
export async function startPostgreSql(): Promise<Server> {
  const folders = programFolders();
  const [server, initialize] = ['postgres', 'initdb'].map((name) => findProgram(name, folders));
  if (server === undefined || initialize === undefined) {
    throw new ServerMissingError('needs postgres and initdb (package postgresql)');
  }
  const folder = await mkdtemp(join(tmpdir(), 'benchmark-postgresql-'));
  const data = join(folder, 'data');
  await chmod(folder, 0o755);
  await mkdir(data);
  if (isSuperuser()) await execute('chown', [USER, data]);
  const port = await freePort();
  const supervisor = startSupervisor(folder);
  await runAsOrdinary([
    initialize,
    '-D',
    data,
    '-U',
    USER,
    '-A',
    'trust',
    '-E',
    'UTF8',
    '--locale=C',
  ]);
  const [program, ...args] = asOrdinary([
    ...[server, '-D', data, '-p', `${port}`, '-h', '127.0.0.1', '-k', ''],
    ...['-c', `max_connections=${MOST_CONNECTIONS}`],
  ]);
  const { pid } = await supervisor.run(String(program), args);
  const url = `postgresql://${USER}@127.0.0.1:${port}`;
  await until('PostgreSQL to answer', () => query(url, 'select 1').catch(() => undefined), 30_000);
  const version = await query(url, 'show server_version');
  return {
    engine: 'postgresql',
    version: `PostgreSQL ${String(version.server_version).split(' ')[0]}`,
    url,
    makeDatabase: async (name) => {
      await query(url, `create database ${name}`);
    },
    dropDatabase: async (name) => {
      await query(url, `drop database if exists ${name} with (force)`);
    },
    cpuMs: () => cpuMsOf(pid),
    counts: async (name) => countsOf(url, name),
    bytes: async (name) => {
      const { size } = await query(url, `select pg_database_size('${name}') as size`);
      return Number(size);
    },
    stop: () => supervisor.stop(),
  };
}

/** Every server process reports what it did about once a second. */
async function countsOf(
  url: string,
  database: string,
): Promise<{ writes: number; commands: number }> {
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  const row = await query(
    url,
    `select xact_commit + xact_rollback as commands, tup_inserted + tup_updated + tup_deleted as writes
     from pg_stat_database where datname = '${database}'`,
  );
  return { writes: Number(row.writes), commands: Number(row.commands) };
}

async function query(url: string, text: string): Promise<Record<string, unknown>> {
  const client = new Client({ connectionString: `${url}/postgres` });
  try {
    await client.connect();
    const { rows } = await client.query<Record<string, unknown>>(text);
    return rows[0] ?? {};
  } finally {
    await client.end().catch(() => {});
  }
}

function programFolders(): string[] {
  if (!existsSync(PACKAGES_FOLDER)) return [];
  const versions = readdirSync(PACKAGES_FOLDER).sort((a, b) => Number(b) - Number(a));
  return versions.map((version) => join(PACKAGES_FOLDER, version, 'bin'));
}

function isSuperuser(): boolean {
  return process.getuid?.() === 0;
}

/** `setpriv` becomes the program that it starts, which so keeps its process id. */
function asOrdinary(command: readonly string[]): readonly string[] {
  if (!isSuperuser()) return command;
  return ['setpriv', `--reuid=${USER}`, `--regid=${USER}`, '--clear-groups', ...command];
}

async function runAsOrdinary(command: readonly string[]): Promise<void> {
  const [program, ...args] = asOrdinary(command);
  await execute(String(program), args, { cwd: tmpdir() });
}
