import { expect, test } from 'vitest';
import type { JobStatus } from '../../src/job/job.ts';
import { JOB_LIFECYCLE, type JobVerb } from '../../src/job/job-lifecycle.ts';
import { type Condition, GONE, STAYS, type TransitionRow } from '../../src/job/lifecycle.ts';
import { expectGenerated } from './pages.ts';

const PAGE = 'docs/state-machine.md';
const { initial, terminal, transitions, verbs } = JOB_LIFECYCLE;

test('the diagram shows every transition of the table', async () => {
  await expectGenerated(PAGE, 'state-machine-diagram', diagram());
});

test('the table shows every verb with its guards and effects', async () => {
  await expectGenerated(PAGE, 'state-machine-table', table());
});

test('every verb that ends a claim clears it', () => {
  const ending = verbs.filter((verb) => leavesProcessing(verb));
  for (const verb of ending) {
    expect(transitions[verb].clear, verb).toEqual(
      expect.arrayContaining(['claimToken', 'claimedBy', 'lockedAt']),
    );
  }
});

function leavesProcessing(verb: JobVerb): boolean {
  const { from, to } = transitions[verb];
  return from.includes('processing') && to !== 'processing' && to !== STAYS;
}

function diagram(): string {
  const arrows = verbs.flatMap((verb) => {
    const { from, to } = transitions[verb];
    const starts = from.length > 0 ? from : ['[*]'];
    const ends: Partial<Record<string, string>> = { [GONE]: '[*]' };
    return starts.map((start) => {
      const end = to === STAYS ? start : (ends[to] ?? to);
      return `    ${start} --> ${end}: ${verb}`;
    });
  });
  return `${['```mermaid', 'stateDiagram-v2', ...arrows, '```'].join('\n')}\n`;
}

function table(): string {
  const rows = verbs.map((verb) => {
    const { from, to, guards = [], increment = [], clear = [] } = transitions[verb];
    return row([
      `\`${verb}\``,
      from.join(', ') || '(new)',
      to === GONE || to === STAYS ? `(${to})` : to,
      guards.map(guardText).join('; '),
      setTexts(transitions[verb]).join('; '),
      appendTexts(transitions[verb]).join('; '),
      increment.join(', '),
      clear.join(', '),
    ]);
  });
  const head = ['verb', 'from', 'to', 'only if', 'sets', 'appends', 'raises by one', 'removes'];
  const lines = [row(head), row(head.map(() => '---')), ...rows];
  const ends = `A new job is ${initial}. The work is over in: ${terminal.join(', ')}.`;
  return `${lines.join('\n')}\n\n${ends}\n`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell || '–').join(' | ')} |`;
}

function setTexts({ set = {}, replace = {}, reset = [] }: TransitionRow<JobStatus>): string[] {
  return [
    ...Object.entries(set).map(([field, param]) => `${field} = :${param}`),
    ...Object.entries(replace).map(([field, param]) => `${field} = :${param} or none`),
    ...reset.map((field) => `${field} = 0`),
  ];
}

function appendTexts({ append = {} }: TransitionRow<JobStatus>): string[] {
  return Object.entries(append).map(([field, { from, most }]) => `:${from} to ${field} (${most})`);
}

function guardText(guard: Condition): string {
  const signs = {
    equal: '=',
    same: 'is',
    differs: 'is not',
    atMost: '<=',
    atLeast: '>=',
    below: '<',
    lists: 'lists just',
    includes: 'includes',
    lacks: 'lacks',
  };
  if (guard.is === 'absent') return `no ${guard.field}`;
  if (guard.is === 'present') return `has ${guard.field}`;
  return `${guard.field} ${signs[guard.is]} :${guard.to}`;
}
