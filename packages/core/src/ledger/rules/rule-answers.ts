/**
 * What a rule answers, read as what is wrong.
 *
 * What always holds: whatever a rule of a user's answers or throws becomes nothing or a breach with a text, so that the
 * write it was asked about is admitted or refused, and the caller never meets an error of the rule's own.
 *
 * @module
 */
import { InvalidArgumentError, messageOf, toError } from '../../foundation/errors.ts';
import type { Mending } from '../verbs/manual-verbs.ts';
import type { InvariantRule, LedgerWrite, RuleBreach } from './known-rules.ts';

const EXPECTED =
  'nothing, a text, or a breach with a `message` and as it may be `values`, `advice` and `mend`, at once';
const EXPECTED_MEND =
  'changes of fields by their names, without those that say which job it is, its state and its past';

/** What no mending touches: which job it is, its state, and what has happened to it. */
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
      advice: 'mend the rule',
    };
  }
}

function breachIn(answer: unknown): RuleBreach | undefined {
  if (answer === undefined || answer === null) return undefined;
  if (typeof answer === 'string') return { message: answer };
  // Nobody waits for it, and what it rejects with must not end the process.
  if (answer instanceof Promise) answer.catch(() => undefined);
  const { message, values = {}, advice = '', mend } = Object(answer) as Partial<RuleBreach>;
  const isBreach = [message, advice].every((part) => typeof part === 'string') && isObject(values);
  if (!isBreach) throw new InvalidArgumentError('check()', EXPECTED, answer);
  if (mend !== undefined) checkMending(mend);
  return {
    ...{ message: message as string, values },
    ...(advice !== '' && { advice }),
    ...(mend !== undefined && { mend }),
  };
}

function checkMending(mend: Mending): void {
  const { set = {}, clear = [] } = Object(mend) as Mending;
  const isMending = isObject(mend) && isObject(set) && Array.isArray(clear);
  if (isMending && [...Object.keys(set), ...clear].every(isMendable)) return;
  throw new InvalidArgumentError('check().mend', EXPECTED_MEND, mend);
}

/** A field by its name, which is no path into one and no operator. */
function isMendable(field: unknown): boolean {
  return typeof field === 'string' && /^[^.$]+$/.test(field) && !KEPT_FIELDS.has(field);
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
