/**
 * What is written as Markdown is read back as it was, whatever it holds.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { volume } from '../../../core/test/setup/volume.ts';
import {
  CoordinationFormat,
  type Field,
  type LedgerRecord,
  STEP_FIELDS,
  STEP_LIFECYCLE,
  TASK_FIELDS,
  TASK_LIFECYCLE,
  VerificationFormat,
} from '../../src/index.ts';
import { codeSpan, readCodeSpan } from '../../src/markdown/codecs.ts';
import { withEdits } from '../../src/markdown/lines.ts';
import { formatLogLine, parseLogLine } from '../../src/markdown/log-codec.ts';
import { clockAt } from '../kit.ts';

/** Texts of what Markdown gives a meaning to. */
const word = fc.oneof(
  fc.constantFrom(
    '`',
    '``',
    '```',
    '~~~',
    '- ',
    '* ',
    '# ',
    '### ',
    '---',
    '**',
    '_',
    '[x] ',
    '[ ] ',
    '|',
    '<!--',
    '-->',
    '>',
    '1. ',
    '  ',
    '\t',
    ':',
    '–',
    '(',
    ')',
    '\\',
    '__proto__',
    'Check: `x`',
    'Notes: ',
    'None',
  ),
  fc.string({ unit: 'grapheme', maxLength: 6 }),
);
const line = fc.array(word, { minLength: 1, maxLength: 8 }).map((words) => words.join(''));
const lines = fc.array(line, { minLength: 1, maxLength: 5 }).map((all) => all.join('\n'));
const id = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,8}$/).map((text) => text || 'x');
const date = fc.integer({ min: 0, max: 4e9 }).map((seconds) => new Date(seconds * 1000));
const name = fc.stringMatching(/^[A-Za-z][A-Za-z &]{0,10}$/);
const run = fc.stringMatching(/^[\w.:-]{1,12}$/);
const list = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(of, { maxLength: 4 });
const maybe = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(of, { nil: undefined });
const item = fc.record({ text: lines, done: fc.boolean() });
const check = fc.oneof(
  fc.record(
    {
      command: line,
      directory: line,
      timeoutSeconds: fc.integer({ min: 1, max: 86_400 }),
      expect: fc.record({ exitCode: fc.nat(255), output: line }, { requiredKeys: [] }),
    },
    { requiredKeys: ['command'] },
  ),
  fc.record({ function: line }),
);
const result = fc.record(
  {
    check: line,
    passed: fc.boolean(),
    at: date,
    run,
    exitCode: fc.nat(255),
    durationMs: fc.nat(1e9),
    fault: line,
    output: lines,
  },
  { requiredKeys: ['check', 'passed', 'at', 'run', 'durationMs'] },
);
const entry = fc.record(
  {
    at: date,
    verb: fc.constantFrom('start', 'log', 'tick'),
    actor: name,
    reason: line,
    run,
    moved: fc.boolean(),
  },
  { requiredKeys: ['at', 'verb', 'actor', 'moved'] },
);

const step = fc.record({
  id,
  status: fc.constantFrom(...STEP_LIFECYCLE.states),
  title: line,
  runId: maybe(run),
  ...{ createdAt: maybe(date), updatedAt: maybe(date), completedAt: maybe(date) },
  scope: list(fc.record({ name, items: list(lines) })),
  ...{
    summary: list(lines),
    edgeCases: list(lines),
    concerns: list(lines),
    stillNeeded: list(lines),
  },
  invariants: list(fc.oneof(fc.record({ text: lines }), fc.record({ text: lines, check }))),
  tests: list(fc.oneof(fc.record({ text: lines }), result)),
  verifications: list(
    fc.record(
      { outcome: fc.constantFrom('verified', 'drift'), at: date, run, notes: line },
      { requiredKeys: ['outcome', 'at', 'run'] },
    ),
  ),
  history: list(entry),
});

const task = fc.record({
  id,
  status: fc.constantFrom(...TASK_LIFECYCLE.states),
  title: line,
  priority: fc.constantFrom('critical', 'high', 'normal'),
  ...{
    assignee: maybe(line),
    reviewer: maybe(line),
    approvedBy: maybe(line),
    blockedReason: maybe(line),
  },
  ...{
    createdAt: maybe(date),
    updatedAt: maybe(date),
    deadline: maybe(date),
    completedAt: maybe(date),
  },
  blockedFrom: maybe(fc.constantFrom(...TASK_LIFECYCLE.states)),
  revisionCount: maybe(fc.nat()),
  dependsOn: list(id),
  ...{ acceptanceCriteria: list(item), definitionOfDone: list(item) },
  requirements: list(fc.record({ name: fc.oneof(fc.constant(''), name), text: lines })),
  history: list(entry),
});

/** The record as a ledger keeps it, or undefined when a check refuses one of its fields. */
function kept(
  values: Record<string, unknown>,
  fields: Readonly<Record<string, Field>>,
): LedgerRecord | undefined {
  const { history, ...rest } = values;
  try {
    const checked = Object.entries(rest).flatMap(([field, value]) => {
      if (value === undefined) return [];
      return [[field, fields[field]?.check(field, value) ?? value]];
    });
    const entries = (history as Record<string, unknown>[]).map(({ moved, reason, ...own }) => {
      const said = String(reason ?? '')
        .replaceAll(/\s+/g, ' ')
        .trim();
      return {
        ...own,
        ...(moved === true && { from: 'a', to: 'b' }),
        ...(said !== '' && { reason: said }),
        actor: String(own.actor).trim(),
      };
    });
    return { ...Object.fromEntries(checked), history: entries } as unknown as LedgerRecord;
  } catch {
    return undefined;
  }
}

const RUNS = { numRuns: volume(400, 150) };

describe('what is written is read back:', () => {
  test.each([
    ['steps', step, STEP_FIELDS, new VerificationFormat()],
    ['tasks', task, TASK_FIELDS, new CoordinationFormat({ clock: clockAt() })],
  ] as const)('%s', (_what, made, fields, format) => {
    const arbitrary = made as fc.Arbitrary<Record<string, unknown>>;
    let written = 0;
    fc.assert(
      fc.property(fc.array(arbitrary, { minLength: 1, maxLength: 3 }), (all) => {
        const unique = new Map(all.map((values) => [values.id, values]));
        const records = [...unique.values()].flatMap((values) => kept(values, fields) ?? []);
        written += records.length;
        const text = format.render(records);
        const ledger = format.parse(text);
        expect(ledger.problems.filter(({ severity }) => severity === 'error')).toEqual([]);
        const read = new Map([...ledger.records].map(([key, { record }]) => [key, record]));
        expect(read.size).toBe(records.length);
        for (const record of records) expect(read.get(record.id)).toEqual(record);
        expect(withEdits(ledger.source, [])).toBe(text);
      }),
      RUNS,
    );
    // Most of what is made up is kept: the property is not true for want of examples.
    expect(written).toBeGreaterThan(RUNS.numRuns / 4);
  });

  test('a step that becomes another one, in a file with foreign text around', () => {
    const format = new VerificationFormat();
    fc.assert(
      fc.property(step, step, lines, (before, after, foreign) => {
        const [old, next] = [
          kept({ ...before, id: 'S01' }, STEP_FIELDS),
          kept({ ...after, id: 'S01' }, STEP_FIELDS),
        ];
        if (old === undefined || next === undefined) return;
        const around = foreign.replaceAll(/^/gm, '> ');
        const text = `${around}\n\n${format.render([old])}\n${around}`;
        const changed = format.write(format.parse(text), next);
        expect(format.parse(changed).records.get('S01')?.record).toEqual(next);
        expect(changed.startsWith(`${around}\n`)).toBe(true);
        expect(changed.trimEnd().endsWith(around.trimEnd())).toBe(true);
      }),
      RUNS,
    );
  });
});

test('any text at all is read without an error, and written as it was', () => {
  const texts = fc
    .array(
      fc.oneof(
        lines,
        fc.constantFrom('## Step S01 – x', '### **A-1: x**', '- **Status:** x', '\r\n', '```'),
      ),
    )
    .map((all) => all.join('\n'));
  fc.assert(
    fc.property(texts, (text) => {
      for (const format of [new VerificationFormat(), new CoordinationFormat()]) {
        expect(withEdits(format.parse(text).source, [])).toBe(text);
      }
    }),
    RUNS,
  );
});

test('code on a line holds any text', () => {
  fc.assert(
    fc.property(
      line.filter((text) => text.trim() !== '' && !text.includes('\n')),
      fc.string(),
      (text, rest) => {
        fc.pre(!rest.startsWith('`'));
        expect(readCodeSpan(codeSpan(text) + rest)).toEqual({ code: text, rest });
      },
    ),
    RUNS,
  );
});

test('a line of a log that says nothing of its time is kept as it is', () => {
  fc.assert(
    fc.property(line, (text) => {
      expect(formatLogLine(parseLogLine(text))).toBe(text);
    }),
  );
});
