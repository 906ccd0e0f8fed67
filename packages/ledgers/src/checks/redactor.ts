/**
 * Takes secrets out of texts.
 *
 * What always holds: a value that is to be kept out is kept out as it is, and as base64, hexadecimal, JSON and
 * percent-encoded text; of a value of several lines, each line too.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import { parseEnv } from 'node:util';

/** Where secrets come from. */
export interface SecretSources {
  /** Files of lines `NAME=value`. One that is not there has no secrets. @default ['.env'] in the working directory */
  readonly envFiles?: readonly string[];
  /** Names of environment variables whose values are secret. @default none */
  readonly variables?: readonly string[];
  /** Secret values themselves. @default none */
  readonly values?: readonly string[];
}

/** Values that say nothing: to take them out would take every other word out. */
const TRIVIAL = /^(?:|true|false|yes|no|on|off|null|none|[0-9]{1,5}|[a-z]{1,2})$/i;
/** A line of a value of several lines counts from this length on. */
const SHORTEST_PART = 8;

/** Knows secrets, and takes them out of texts. */
export class Redactor {
  readonly #replacements: readonly (readonly [secret: string, shown: string])[];
  /** The length of the longest text that is taken out, in characters. */
  readonly longest: number;

  /** @param secrets - values by the name that is shown in their place */
  constructor(secrets: Iterable<readonly [name: string, value: string]>) {
    const found = new Map<string, string>();
    for (const [name, value] of secrets) {
      for (const form of formsOf(value)) {
        if (!found.has(form)) found.set(form, `[redacted ${name}]`);
      }
    }
    // The longest first, so that no part of one is left when another is a part of it.
    this.#replacements = [...found].sort(([a], [b]) => b.length - a.length);
    this.longest = this.#replacements[0]?.[0].length ?? 0;
  }

  /** The text with the name of each secret in its place. */
  redact(text: string): string {
    return this.#replacements.reduce(
      (rest, [secret, shown]) => (rest.includes(secret) ? rest.split(secret).join(shown) : rest),
      text,
    );
  }

  /** The name of a secret that the text has, or undefined. */
  find(text: string): string | undefined {
    return this.#replacements
      .find(([secret]) => text.includes(secret))?.[1]
      .slice('[redacted '.length, -1);
  }
}

/** Reads the secrets that are named. */
export async function readSecrets(sources: SecretSources = {}): Promise<Redactor> {
  const { envFiles = ['.env'], variables = [], values = [] } = sources;
  const files = await Promise.all(envFiles.map(readEnvFile));
  const named = variables.map((name) => [name, process.env[name] ?? ''] as const);
  const given = values.map((value, index) => [`value ${index + 1}`, value] as const);
  return new Redactor([...files.flat(), ...named, ...given]);
}

async function readEnvFile(path: string): Promise<(readonly [string, string])[]> {
  try {
    return Object.entries(parseEnv(await readFile(path, 'utf8')) as Record<string, string>);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/** The texts in which a value may turn up. */
function formsOf(value: string): string[] {
  const parts = [value, ...value.split(/\r?\n/).filter((part) => part.length >= SHORTEST_PART)];
  const forms = parts.flatMap((part) => {
    const bytes = Buffer.from(part, 'utf8');
    const base64 = bytes.toString('base64').replace(/=+$/, '');
    const encoded =
      part.length < SHORTEST_PART
        ? []
        : [base64, bytes.toString('base64url'), bytes.toString('hex')];
    return [
      part,
      part.trim(),
      JSON.stringify(part).slice(1, -1),
      encodeURIComponent(part),
      ...encoded,
    ];
  });
  return [...new Set(forms)].filter((form) => !TRIVIAL.test(form));
}
