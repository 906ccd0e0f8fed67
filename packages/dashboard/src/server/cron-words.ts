/**
 * Plans of series as people read and write them. Cron expressions in words: only what the library could read is given
 * to it.
 *
 * @module
 */
import cronstrue from 'cronstrue';

const LONGEST = 200;

/** The expression in words; undefined where it cannot be said. */
export function inWords(expression: string): string | undefined {
  if (expression.length > LONGEST || intervalIn(expression) !== undefined) return undefined;
  try {
    return cronstrue.toString(expression, { use24HourTimeFormat: true });
  } catch {
    return undefined;
  }
}

/** The interval of a plan such as `every 5 minutes`, with what it is counted from or without; undefined for any other. */
export function intervalIn(plan: string): string | undefined {
  return /^every (.+)$/.exec(planShown(plan))?.[1];
}

/** A plan without what its interval is counted from. */
export function planShown(plan: string): string {
  return plan.trim().replace(/^(every .+?) from .*$/, '$1');
}
