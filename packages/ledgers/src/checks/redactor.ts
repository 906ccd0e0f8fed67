/**
 * Takes secrets out of texts.
 *
 * What always holds: a value that is to be kept out is kept out as it is, and as hexadecimal, JSON and percent-encoded
 * text; as base64 also where it is a part of what is encoded, wherever it begins there; of a value of several lines, each
 * line too. The work grows with the text and the number of values, and no faster.
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

/** A text in which a value may turn up. */
interface Form {
  readonly text: string;
  /** The character before it gives away a few bits of the value, if it is one of base64. */
  readonly takesBefore?: boolean;
  /** So does the one after it. */
  readonly takesAfter?: boolean;
}

/** Knows secrets, and takes them out of texts. */
export class Redactor {
  readonly #replacements: readonly (readonly [form: Form, shown: string])[];
  /** The length of the longest text that is taken out, in characters. */
  readonly longest: number;

  /** @param secrets - values by the name that is shown in their place */
  constructor(secrets: Iterable<readonly [name: string, value: string]>) {
    const found = new Map<string, readonly [Form, string]>();
    for (const [name, value] of secrets) {
      for (const form of formsOf(value)) {
        if (!found.has(form.text)) found.set(form.text, [form, `[redacted ${name}]`]);
      }
    }
    // The longest first, so that no part of one is left when another is a part of it.
    this.#replacements = [...found.values()].sort(([a], [b]) => b.text.length - a.text.length);
    this.longest = this.#replacements.reduce((most, [form]) => Math.max(most, lengthOf(form)), 0);
  }

  /** The text with the name of each secret in its place. */
  redact(text: string): string {
    return this.#replacements.reduce((rest, [form, shown]) => without(rest, form, shown), text);
  }

  /** The name of a secret that the text has, or undefined. */
  find(text: string): string | undefined {
    return this.#replacements
      .find(([form]) => text.includes(form.text))?.[1]
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
function formsOf(value: string): Form[] {
  const parts = [value, ...value.split(/\r?\n/).filter((part) => part.length >= SHORTEST_PART)];
  const forms = parts.flatMap((part) => {
    const plain = [part, part.trim(), JSON.stringify(part).slice(1, -1), encodeURIComponent(part)];
    return [...plain.map((text) => ({ text })), ...encodedForms(part)];
  });
  return forms.filter(({ text }) => !TRIVIAL.test(text));
}

/** A short value would be found where it is not. */
function encodedForms(part: string): Form[] {
  if (part.length < SHORTEST_PART) return [];
  const bytes = Buffer.from(part, 'utf8');
  const hex = bytes.toString('hex');
  return [{ text: hex }, { text: hex.toUpperCase() }, ...[0, 1, 2].flatMap(base64Forms(bytes))];
}

/**
 * Base64 takes three bytes at a time, so a value looks in three ways, by how many bytes of such a three stand before it.
 * Characters at both ends that hold bits of its neighbours, too, are no part of what is looked for.
 */
function base64Forms(bytes: Buffer): (before: number) => Form[] {
  return (before) => {
    const all = Buffer.concat([Buffer.alloc(before), bytes]);
    const takesBefore = before > 0;
    const takesAfter = all.length % 3 > 0;
    const from = Math.ceil((before * 8) / 6);
    const to = Math.floor((all.length * 8) / 6);
    return (['base64', 'base64url'] as const).map((encoding) => {
      return { text: all.toString(encoding).slice(from, to), takesBefore, takesAfter };
    });
  };
}

const OF_BASE64 = /^[A-Za-z0-9+/_-]$/;

function lengthOf({ text, takesBefore = false, takesAfter = false }: Form): number {
  return text.length + Number(takesBefore) + Number(takesAfter);
}

/** The text with something else in the place of a form. */
function without(text: string, form: Form, shown: string): string {
  const { text: secret, takesBefore = false, takesAfter = false } = form;
  const parts: string[] = [];
  let from = 0;
  for (let at = text.indexOf(secret); at >= 0; at = text.indexOf(secret, from)) {
    const hasBefore = takesBefore && at > from && OF_BASE64.test(text.charAt(at - 1));
    const end = at + secret.length;
    const hasAfter = takesAfter && OF_BASE64.test(text.charAt(end));
    parts.push(text.slice(from, hasBefore ? at - 1 : at), shown);
    from = hasAfter ? end + 1 : end;
  }
  return from === 0 ? text : [...parts, text.slice(from)].join('');
}
