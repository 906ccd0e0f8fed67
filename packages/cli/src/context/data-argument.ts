/**
 * Values that are given as extended JSON: as they are, from a file (`@data.json`), or from stdin (`-`).
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { BSON } from 'mongodb';
import { usageError } from './errors.ts';
import type { Io } from './io.ts';

/** Reads a value; `undefined` when none was given. */
export async function readData(
  io: Io,
  option: string,
  given: string | undefined,
): Promise<unknown> {
  if (given === undefined) return undefined;
  return parseExtended(option, await textOf(io, option, given));
}

async function textOf(io: Io, option: string, given: string): Promise<string> {
  if (given === '-') {
    const chunks = await io.stdin.toArray();
    return chunks.join('');
  }
  if (!given.startsWith('@')) return given;
  try {
    return await readFile(resolve(io.cwd, given.slice(1)), 'utf8');
  } catch (error) {
    throw usageError(`${option}: ${(error as Error).message}`);
  }
}

/** Reads extended JSON; what it marks as 64 bits becomes a BigInt, as it is in jobs. */
export function parseExtended(what: string, text: string): unknown {
  try {
    return BSON.EJSON.parse(text, { relaxed: true, useBigInt64: true });
  } catch (error) {
    const example = `'{ "to": "user@example.com" }'`;
    throw usageError(
      `${what} is no extended JSON: ${(error as Error).message}; an example is ${example}`,
    );
  }
}
