/**
 * A verification ledger as a Markdown file.
 *
 * @module
 */
import { type DocumentOptions, LedgerDocument } from '../markdown/ledger-document.ts';
import type { ParsedLedger, Problem } from '../markdown/record-format.ts';
import { type Field, oneOf, time } from '../record/fields.ts';
import { STEP_FIELDS, type Step } from './step.ts';
import { STEP_LIFECYCLE, type StepStatus } from './step-lifecycle.ts';

const HEADING = /^Step (\S{1,200})(?: *[–—‒−:-] *| +)(.*)$/s;

const TEMPLATE = `# Implementation Ledger

This ledger states for each step how far it is, what must be so since then, and when that was verified.

> **Rule:** Before new work begins, every step that is \`completed_pending_verification\` is verified again, and every
> step that is \`drift_detected\` is repaired. The ledger refuses to start a step before that.

> **Credentials:** No value of \`.env\`, and no other secret, belongs into this file.

---

## Legend

- \`not_started\` – The step has not been touched.
- \`in_progress\` – Somebody works on it in the current run.
- \`completed_pending_verification\` – The work and its tests are done; a later run verifies it.
- \`verified\` – A later run has checked it.
- \`drift_detected\` – What its invariants say is no longer so; it is repaired before new steps.

---
`;

function statusField(): Field<StepStatus> {
  const { states, initial } = STEP_LIFECYCLE;
  const words = Object.fromEntries(states.map((state) => [state, state]));
  return { ...oneOf(words as Record<StepStatus, string>), empty: initial };
}

const OPTIONS: DocumentOptions = {
  fields: STEP_FIELDS,
  level: 2,
  parseHeading(heading) {
    const [, id, title = ''] = HEADING.exec(heading) ?? [];
    return id === undefined ? undefined : { id, title };
  },
  renderHeading: (id, title) => `Step ${id} – ${title}`,
  lineStyle: 'item',
  lines: [
    { field: 'status', label: 'Status' },
    { field: 'updatedAt', label: 'Last updated' },
    { field: 'runId', label: 'Responsible run ID' },
    { field: 'createdAt', label: 'Created' },
    { field: 'completedAt', label: 'Completed' },
  ],
  sections: [
    { field: 'scope', label: 'Scope & files' },
    { field: 'summary', label: 'Implementation summary' },
    {
      field: 'invariants',
      label: 'Observable invariants (for future verification)',
      aliases: ['Observable invariants'],
    },
    { field: 'tests', label: 'Tests & commands run' },
    { field: 'edgeCases', label: 'Edge cases considered' },
    { field: 'concerns', label: 'Concerns & open issues' },
    {
      field: 'stillNeeded',
      label: 'Items still needed for airtight robustness',
      aliases: ['Items still needed'],
    },
    { field: 'verifications', label: 'Verification history' },
    { field: 'history', label: 'History' },
  ],
  status: statusField(),
  time: time(' UTC'),
  footer: ['', '---'],
  template: TEMPLATE,
  emptySections: [
    'scope',
    'summary',
    'invariants',
    'tests',
    'edgeCases',
    'concerns',
    'stillNeeded',
    'verifications',
  ],
};

/** Reads and writes verification ledgers as Markdown. */
export class VerificationFormat extends LedgerDocument {
  constructor() {
    super(OPTIONS);
  }

  /** Also finds steps whose state does not fit what they say. */
  override parse(text: string): ParsedLedger {
    const ledger = super.parse(text);
    const found = [...ledger.records.values()].flatMap(({ record, start }) =>
      faultsOf(record as Step).map(
        (message): Problem => ({
          line: start + 1,
          message: `${record.id} ${message}`,
          severity: 'warning',
        }),
      ),
    );
    return { ...ledger, problems: [...ledger.problems, ...found] };
  }
}

function faultsOf({ status, invariants, runId }: Step): string[] {
  if (status === 'not_started' || status === 'in_progress') return [];
  const unchecked = invariants.filter(({ check }) => check === undefined).length;
  return [
    ...(runId === undefined ? [`is ${status}, but names no run; set its responsible run ID`] : []),
    ...(invariants.length === 0 ? [`is ${status}, but has no invariants`] : []),
    ...(unchecked > 0 ? [`is ${status}, but ${unchecked} of its invariants have no check`] : []),
  ];
}
