/**
 * Standard Schema (https://standardschema.dev), the interface that Zod, Valibot, ArkType and others share: the part of
 * it that checking data needs.
 *
 * @module
 */
import { InvalidArgumentError } from './errors.ts';

/** What is wrong with a value, and where. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** The answer of a schema: the value it makes of what it was given, or what is wrong with that. */
export type SchemaResult<Output = unknown> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/**
 * A schema of any library that follows version 1 of Standard Schema.
 *
 * @typeParam Output - what it makes of the values it accepts
 * @typeParam Input - the values it accepts
 */
export interface StandardSchema<Output = unknown, Input = unknown> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    /** For the compiler alone. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

const MOST_ISSUES = 3;

/** True for an object, or a function, that follows version 1 of the interface. */
export function isStandardSchema(value: unknown): value is StandardSchema {
  const isHolder = (typeof value === 'object' && value !== null) || typeof value === 'function';
  if (!isHolder) return false;
  const standard = (value as Partial<StandardSchema>)['~standard'];
  return standard?.version === 1 && typeof standard.validate === 'function';
}

/**
 * Gives what the schema makes of a value.
 *
 * @param field - what the value is called in errors
 * @throws InvalidArgumentError naming the path of the first issue, with the first few issues. What the validator itself
 * throws is passed on as it is: it says nothing about the value.
 */
export async function checkData<Output>(
  schema: StandardSchema<Output>,
  field: string,
  value: unknown,
): Promise<Output> {
  const result = await schema['~standard'].validate(value);
  if (result.issues === undefined) return result.value;
  const shown = result.issues.slice(0, MOST_ISSUES);
  const messages = shown.map((issue) => `${pathOf(field, issue)}: ${issue.message}`);
  const [first] = shown;
  const path = first === undefined ? field : pathOf(field, first);
  const hint = messages.length > 0 ? messages.join('; ') : undefined;
  throw new InvalidArgumentError(path, 'what its schema wants', valueAt(value, first), hint);
}

function keysOf(issue: SchemaIssue | undefined): PropertyKey[] {
  // A list of its own: that of some libraries makes others of its kind by map.
  return [...(issue?.path ?? [])].map((part) => (typeof part === 'object' ? part.key : part));
}

function pathOf(field: string, issue: SchemaIssue): string {
  return keysOf(issue).reduce<string>(
    (path, key) => (typeof key === 'number' ? `${path}[${key}]` : `${path}.${String(key)}`),
    field,
  );
}

/** What stands at the place of the issue, as far as there is something. */
function valueAt(value: unknown, issue: SchemaIssue | undefined): unknown {
  return keysOf(issue).reduce<unknown>(
    (at, key) => (at as Record<PropertyKey, unknown> | null | undefined)?.[key],
    value,
  );
}
