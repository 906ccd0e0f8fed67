/**
 * The options that every command has, from the command line, the environment and a file, in this order.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { usageError } from './errors.ts';
import type { Io } from './io.ts';

/** The options of every command, as commander gives them. */
export interface GlobalOptions {
  readonly uri?: string;
  readonly database?: string;
  readonly collection?: string;
  readonly as?: string;
  readonly config?: string;
  readonly json?: boolean;
  /** False with `--no-color`. */
  readonly color?: boolean;
  readonly timeout?: number;
}

/** Where the jobs are and who asks. */
export interface Settings {
  /** The address of the database; absent when nobody named one. */
  readonly uri?: string;
  /** The database; that of the address when absent. */
  readonly database?: string;
  /** The collection of the jobs; the default of the library when absent. */
  readonly collection?: string;
  /** Who stands in the history of what is changed. */
  readonly actor: string;
  /** Milliseconds after which the database counts as not answering. */
  readonly timeoutMs: number;
}

/** The file that is read when no other is named. */
export const CONFIG_FILE = 'monque.config.json';

/** Milliseconds that the database is waited for when nothing is said. */
export const DEFAULT_TIMEOUT_MS = 10_000;

const FILE_FIELDS = ['uri', 'database', 'collection', 'as', 'timeout'] as const;

type FileSettings = Partial<Record<(typeof FILE_FIELDS)[number], string | number>>;

/** Puts the settings together. */
export async function readSettings(given: GlobalOptions, io: Io): Promise<Settings> {
  const file = await readConfigFile(given.config ?? io.env.MONQUE_CONFIG, io);
  const text = (field: 'uri' | 'database' | 'collection' | 'as', variable: string) =>
    given[field] ?? (io.env[variable] || (file[field] as string | undefined));
  const uri = text('uri', 'MONQUE_URI');
  const database = text('database', 'MONQUE_DATABASE');
  const collection = text('collection', 'MONQUE_COLLECTION');
  return {
    ...(uri !== undefined && { uri }),
    ...(database !== undefined && { database }),
    ...(collection !== undefined && { collection }),
    actor: text('as', 'MONQUE_ACTOR') ?? io.user(),
    timeoutMs: given.timeout ?? (file.timeout as number | undefined) ?? DEFAULT_TIMEOUT_MS,
  };
}

async function readConfigFile(named: string | undefined, io: Io): Promise<FileSettings> {
  const path = resolve(io.cwd, named ?? CONFIG_FILE);
  const text = await readFile(path, 'utf8').catch((error: Error) => {
    if (named === undefined) return undefined;
    throw usageError(`The file of the settings cannot be read: ${error.message}`);
  });
  return text === undefined ? {} : parseConfig(text, path);
}

function parseConfig(text: string, path: string): FileSettings {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw usageError(`${path} is no JSON: ${(error as Error).message}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw usageError(`${path} holds no JSON object; an example is { "uri": "mongodb://..." }`);
  }
  for (const [field, item] of Object.entries(value)) checkField(path, field, item);
  return value;
}

function checkField(path: string, field: string, value: unknown): void {
  const known: readonly string[] = FILE_FIELDS;
  if (!known.includes(field)) {
    throw usageError(`${path} has the field \`${field}\`; known are ${known.join(', ')}`);
  }
  const expected = field === 'timeout' ? 'number' : 'string';
  if (typeof value === expected) return;
  throw usageError(`${path}: expected \`${field}\` to be a ${expected}, got a ${typeof value}`);
}
