/**
 * What the rows of a lifecycle say about the parameters of their verbs: each is written to a field, or compared with
 * one, and must fit it.
 *
 * @module
 */
import { InvalidArgumentError } from '@monque/core';
import type { Condition, TransitionParams, TransitionRow } from '@monque/core/ledger';
import type { Fields } from './fields.ts';

/** Parameters that every verb has: the ledger fills them itself. */
const OWN_PARAMS: readonly string[] = ['now', 'actor', 'run', 'reason', 'history', 'fromStatus'];

/** The field that each parameter of a row belongs to. */
export function fieldsOfParams(row: TransitionRow<string>): ReadonlyMap<string, string> {
  const written = Object.entries({ ...row.set, ...row.replace }).map(
    ([field, param]) => [param, field] as const,
  );
  const appended = Object.entries(row.append ?? {}).map(
    ([field, { from }]) => [from, field] as const,
  );
  const compared = (row.guards ?? []).flatMap((guard) =>
    'to' in guard ? [[guard.to, guard.field] as const] : [],
  );
  return new Map([...compared, ...appended, ...written]);
}

/** What a verb takes. */
export interface VerbParams {
  readonly verb: string;
  readonly row: TransitionRow<string>;
  /** The fields of the ledger's records. */
  readonly fields: Fields;
  /** The parameters that have to be given. */
  readonly required: readonly string[];
}

/**
 * The parameters as they are kept.
 *
 * @throws InvalidArgumentError for one that is not known, does not fit its field, or is missing though a guard needs it
 */
export function checkParams(
  { verb, row, fields, required }: VerbParams,
  params: TransitionParams,
): Record<string, unknown> {
  const known = fieldsOfParams(row);
  const checked: Record<string, unknown> = {};
  for (const [param, value] of Object.entries(params)) {
    const field = OWN_PARAMS.includes(param) ? undefined : known.get(param);
    const check = field === undefined ? undefined : fields[field]?.check;
    if (check === undefined) {
      const names = [...known.keys()].filter((name) => !OWN_PARAMS.includes(name));
      throw new InvalidArgumentError(
        verb,
        `given one or more of: ${names.join(', ') || 'nothing'}`,
        param,
      );
    }
    if (value !== undefined) checked[param] = check(`${verb}.${param}`, value);
  }
  const missing = required.find(
    (param) => !OWN_PARAMS.includes(param) && checked[param] === undefined,
  );
  if (missing !== undefined)
    throw new InvalidArgumentError(`${verb}.${missing}`, 'given', undefined);
  return checked;
}

/** A guard as part of a sentence about the record that breaks it. */
export function guardText(
  guard: Condition,
  record: TransitionParams,
  params: TransitionParams,
): string {
  const found = record[guard.field] === undefined ? 'nothing' : `'${String(record[guard.field])}'`;
  if (guard.is === 'present') return `has no ${guard.field}`;
  if (guard.is === 'absent') return `has ${found} as ${guard.field}`;
  return `has ${found} as ${guard.field}, which does not fit '${String(params[guard.to])}' (${guard.is})`;
}
