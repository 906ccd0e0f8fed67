/**
 * A step: what was to be done, what must be so since then, and when that was verified.
 *
 * @module
 */
import { type Invariant, invariants } from '../checks/check.ts';
import { type TestRun, testRuns } from '../checks/test-run.ts';
import { formatTime, parseTime } from '../foundation/dates.ts';
import type { ItemCodec, NamedList } from '../markdown/codecs.ts';
import { checkItem, type Field, list, listOf, namedLists, text, time } from '../record/fields.ts';
import type { LedgerRecord } from '../record/record.ts';
import type { StepStatus } from './step-lifecycle.ts';

/** One verification of a step. */
export interface Verification {
  readonly outcome: 'verified' | 'drift';
  /** When, in whole seconds. */
  readonly at: Date;
  readonly run: string;
  /** One line. */
  readonly notes?: string;
}

/** The fields of a step that its authors give. */
export interface StepFields {
  /** One line. */
  readonly title: string;
  /** Lists with names, such as `Blueprint references` and `Files touched`. */
  readonly scope?: readonly NamedList[];
  /** What was done: items of Markdown. */
  readonly summary?: readonly string[];
  /** What must be so from then on. */
  readonly invariants?: readonly Invariant[];
  /** What was run to test it. Results of checks are added by the ledger. */
  readonly tests?: readonly TestRun[];
  readonly edgeCases?: readonly string[];
  readonly concerns?: readonly string[];
  readonly stillNeeded?: readonly string[];
}

/** A step of a verification ledger. */
export interface Step extends LedgerRecord<StepStatus> {
  readonly title: string;
  /** The run that worked on it last. */
  readonly runId?: string;
  /** When it was completed; absent until then. */
  readonly completedAt?: Date;
  readonly scope: readonly NamedList[];
  readonly summary: readonly string[];
  readonly invariants: readonly Invariant[];
  readonly tests: readonly TestRun[];
  readonly edgeCases: readonly string[];
  readonly concerns: readonly string[];
  readonly stillNeeded: readonly string[];
  /** The newest 50, newest last. */
  readonly verifications: readonly Verification[];
}

const VERIFICATION =
  /^(?:\[[xX]\] (Verified)|\[ \] Drift found) on (\d{4}[-\u2010-\u2015]\d\d[-\u2010-\u2015]\d\d(?: \d\d:\d\d(?::\d\d)?)?(?: UTC)?) by run ([\w.:-]{1,100})(?:\nNotes: ([^\n]*))?$/;

const VERIFICATION_ITEM: ItemCodec<Verification> = {
  parse(item) {
    const [, verified, when = '', run = '', notes] = VERIFICATION.exec(item) ?? [];
    const at = parseTime(when);
    if (at === undefined) return undefined;
    const outcome = verified === undefined ? 'drift' : 'verified';
    return { outcome, at, run, ...(notes !== undefined && { notes }) };
  },
  render({ outcome, at, run, notes }) {
    const said = outcome === 'verified' ? '[x] Verified' : '[ ] Drift found';
    const line = `${said} on ${formatTime(at)} UTC by run ${run}`;
    return notes === undefined ? line : `${line}\nNotes: ${notes}`;
  },
  // As in a template: `- [ ] Verified on _YYYY-MM-DD_ by run _ID_`.
  placeholder: /^\[ \] Verified on _/,
};

/** The fields of a step. */
export const STEP_FIELDS: Readonly<Record<string, Field>> = {
  title: text(),
  runId: text(),
  completedAt: time(' UTC'),
  scope: namedLists(),
  summary: list(),
  invariants: invariants(),
  tests: testRuns(),
  edgeCases: list(),
  concerns: list(),
  stillNeeded: list(),
  verifications: listOf(VERIFICATION_ITEM, (name, value) => {
    const item = checkItem(name, VERIFICATION_ITEM.render(value as Verification));
    return VERIFICATION_ITEM.parse(item) as Verification;
  }),
};
