/**
 * The rules of a verification ledger beyond the table of its states.
 *
 * @module
 */
import type { RuleBreach } from '../foundation/errors.ts';
import type { HistoryEntry, LedgerRecord } from '../record/record.ts';
import type { LedgerRule } from '../record/rules.ts';
import type { Step } from './step.ts';
import type { StepStatus } from './step-lifecycle.ts';

/** Gives the command that resolves something, for the messages of errors. */
export type CommandFor = (verb: 'verify' | 'fix' | 'amend', id: string) => string;

/** The commands of `monque`. */
export const LEDGER_COMMANDS: CommandFor = (verb, id) =>
  verb === 'verify'
    ? `monque ledger verify ${id} --run <a later run>`
    : `monque ledger ${verb} ${id}`;

/** The rule that a run does not verify what it completed. */
export const LATER_RUN_RULE = 'verified by a later run';

const UNSETTLED: readonly StepStatus[] = ['completed_pending_verification', 'drift_detected'];

/** The rules; errors name the commands that resolve what is in the way. */
export function stepRules(commandFor: CommandFor): LedgerRule<StepStatus>[] {
  return [
    {
      name: 'run named',
      verbs: ['start', 'complete', 'verify', 'reportDrift', 'fix', 'reopen'],
      check: ({ by }) =>
        by.run === undefined
          ? { message: 'needs a run', advice: 'name the run in which this is done' }
          : undefined,
    },
    {
      name: 'verified first',
      verbs: ['start', 'reopen'],
      async check({ record, view }) {
        const unsettled = await view.list({ status: UNSETTLED });
        const others = unsettled.filter(({ id }) => id !== record.id);
        if (others.length === 0) return undefined;
        return {
          message: `cannot be started before ${others.length === 1 ? 'another step is' : `${others.length} other steps are`} verified`,
          blockers: others.map((step) => blockerOf(step, commandFor)),
        };
      },
    },
    {
      name: 'invariants have checks',
      verbs: ['complete'],
      check: ({ record }) => missingChecks(record as Step, commandFor),
    },
    {
      name: 'run known',
      verbs: ['verify'],
      check({ record }) {
        if ((record as Step).runId !== undefined) return undefined;
        const advice = `do so with \`${commandFor('fix', record.id)}\` and complete it again`;
        return { message: 'names no run that completed it', advice };
      },
    },
    {
      name: LATER_RUN_RULE,
      verbs: ['verify'],
      check({ record, by }) {
        const { runId = '', history } = record as Step;
        if (isLaterRun(String(by.run), runId, history)) return undefined;
        const message = `was completed in run '${runId}', and is verified only by a later run, not by '${by.run}'`;
        return { message, advice: 'start a new run' };
      },
    },
  ];
}

function blockerOf({ id, status }: LedgerRecord, commandFor: CommandFor): string {
  const verify = `\`${commandFor('verify', id)}\``;
  if (status === 'completed_pending_verification') return `${id} is ${status}: ${verify}`;
  return `${id} is ${status}: repair what its checks found and ${verify}, or work on it with \`${commandFor('fix', id)}\``;
}

function missingChecks({ id, invariants }: Step, commandFor: CommandFor): RuleBreach | undefined {
  const advice = `add them with \`${commandFor('amend', id)}\``;
  if (invariants.length === 0)
    return { message: 'has no invariants, so no later run could verify it', advice };
  const without = invariants.filter(({ check }) => check === undefined);
  if (without.length === 0) return undefined;
  return {
    message: `has ${without.length} of ${invariants.length} invariants without a check`,
    advice,
    blockers: without.map(({ text }) => text.replace(/\n.*$/s, '')),
  };
}

/**
 * True when a run comes after the one that completed a step. Runs with a number at the end are in its order; of others,
 * a run is later when the step has not seen it before.
 */
export function isLaterRun(
  run: string,
  completedIn: string,
  history: readonly HistoryEntry[],
): boolean {
  if (run === completedIn) return false;
  const [one, other] = [numbered(run), numbered(completedIn)];
  if (one !== undefined && other !== undefined && one.name === other.name)
    return one.number > other.number;
  const completed = history.findLastIndex(({ verb }) => verb === 'complete');
  return !history.slice(0, completed + 1).some((entry) => entry.run === run);
}

function numbered(run: string): { readonly name: string; readonly number: bigint } | undefined {
  const [, name, digits] = /^(.*?)(\d+)$/.exec(run) ?? [];
  return name === undefined || digits === undefined ? undefined : { name, number: BigInt(digits) };
}
