/**
 * What a rule answers, read as what is wrong.
 *
 * What always holds: whatever a rule of a user's answers or throws becomes nothing or a breach with a text, so that the
 * write it was asked about is admitted or refused, and the caller never meets an error of the rule's own.
 *
 * @module
 */

import { InvalidArgumentError, messageOf, toError } from '../../foundation/errors.ts';
import { isPromiseAside } from '../../foundation/promises.ts';
import type { Repairing } from '../verbs/manual-verbs.ts';
import type { InvariantRule, LedgerWrite, RuleBreach } from './known-rules.ts';

const EXPECTED =
  'nothing, a text, or a breach with a `message` and as it may be `values`, `advice` and `repair`, at once';
const EXPECTED_REPAIR =
  'changes of fields by their names, without those that say which job it is, its state and its past';

/** What no repairing touches: which job it is, its state, and what has happened to it. */
const KEPT_FIELDS: ReadonlySet<string> = new Set([
  ...['_id', 'status', 'fence', 'lastToken', 'updatedAt', 'history'],
]);

/** What a rule finds wrong. A rule that fails, or answers something else, holds nothing, so it counts as broken. */
export function breachOf(rule: InvariantRule, write: LedgerWrite): RuleBreach | undefined {
  try {
    return breachIn(rule.check(write));
  } catch (thrown) {
    const error = toError(thrown);
    return {
      message: `the rule itself failed: ${messageOf(error)}`,
      values: { error },
      advice: 'repair the rule',
    };
  }
}

function breachIn(answer: unknown): RuleBreach | undefined {
  if (answer === undefined || answer === null) return undefined;
  if (typeof answer === 'string') return { message: answer };
  // Nobody waits for it, and what it rejects with must not end the process.
  isPromiseAside(answer);
  const { message, values = {}, advice = '', repair } = Object(answer) as Partial<RuleBreach>;
  const isBreach = [message, advice].every((part) => typeof part === 'string') && isObject(values);
  if (!isBreach) throw new InvalidArgumentError('check()', EXPECTED, answer);
  if (repair !== undefined) checkRepair(repair);
  return {
    ...{ message: message as string, values },
    ...(advice !== '' && { advice }),
    ...(repair !== undefined && { repair }),
  };
}

function checkRepair(repair: Repairing): void {
  const { set = {}, clear = [] } = Object(repair) as Repairing;
  const isRepairing = isObject(repair) && isObject(set) && Array.isArray(clear);
  if (isRepairing && [...Object.keys(set), ...clear].every(isRepairable)) return;
  throw new InvalidArgumentError('check().repair', EXPECTED_REPAIR, repair);
}

/** A field by its name, which is no path into one and no operator. */
function isRepairable(field: unknown): boolean {
  return typeof field === 'string' && /^[^.$]+$/.test(field) && !KEPT_FIELDS.has(field);
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
