import { expect, test } from 'vitest';
import { type Condition, JOB_LIFECYCLE, type JobVerb } from '../../src/lifecycle.ts';
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
  return from.includes('processing') && to !== 'processing';
}

function diagram(): string {
  const arrows = verbs.flatMap((verb) => {
    const { from, to } = transitions[verb];
    const starts = from.length > 0 ? from : ['[*]'];
    return starts.map((start) => `    ${start} --> ${to === 'gone' ? '[*]' : to}: ${verb}`);
  });
  return `${['```mermaid', 'stateDiagram-v2', ...arrows, '```'].join('\n')}\n`;
}

function table(): string {
  const rows = verbs.map((verb) => {
    const { from, to, guards = [], set = {}, increment = [], clear = [] } = transitions[verb];
    return row([
      `\`${verb}\``,
      from.join(', ') || '(new)',
      to === 'gone' ? '(gone)' : to,
      guards.map(guardText).join('; '),
      Object.entries(set)
        .map(([field, param]) => `${field} = :${param}`)
        .join('; '),
      increment.join(', '),
      clear.join(', '),
    ]);
  });
  const head = ['verb', 'from', 'to', 'only if', 'sets', 'raises by one', 'removes'];
  const lines = [row(head), row(head.map(() => '---')), ...rows];
  const ends = `A new job is ${initial}. The work is over in: ${terminal.join(', ')}.`;
  return `${lines.join('\n')}\n\n${ends}\n`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell || '–').join(' | ')} |`;
}

function guardText(guard: Condition): string {
  const signs = { equal: '=', atMost: '<=', atLeast: '>=', below: '<' };
  if (guard.is === 'absent') return `no ${guard.field}`;
  if (guard.is === 'present') return `has ${guard.field}`;
  return `${guard.field} ${signs[guard.is]} :${guard.to}`;
}
