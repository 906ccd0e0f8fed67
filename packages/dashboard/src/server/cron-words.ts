/**
 * Cron expressions in words. Only what the library could read is given to it.
 *
 * @module
 */
import cronstrue from 'cronstrue';

const LONGEST = 200;

/** The expression in words; undefined where it cannot be said. */
export function inWords(expression: string): string | undefined {
  if (expression.length > LONGEST) return undefined;
  try {
    return cronstrue.toString(expression, { use24HourTimeFormat: true });
  } catch {
    return undefined;
  }
}
