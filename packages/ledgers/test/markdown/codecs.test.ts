/**
 * How values are read and written, where files say something else than a ledger would.
 */
import { describe, expect, test } from 'vitest';
import { formatTime, parseTime } from '../../src/foundation/dates.ts';
import { type Check, CoordinationFormat, count, list, text, time } from '../../src/index.ts';
import { CHECK_ITEM, listCodec, NAMED_LIST_ITEM, TEXT_ITEM } from '../../src/markdown/codecs.ts';
import { endOfBody, headingsOf } from '../../src/markdown/headings.ts';
import { toLines } from '../../src/markdown/lines.ts';
import { LOG, parseLogLine } from '../../src/markdown/log-codec.ts';
import { RecordFormat } from '../../src/markdown/record-format.ts';
import { isSameValue, type LedgerRecord } from '../../src/record/record.ts';
import { clockAt, START, STEP_FORMAT, TASK_FORMAT, taskIn } from '../kit.ts';

describe('a list', () => {
  test('keeps the text beside it where it stands', () => {
    const codec = listCodec(TEXT_ITEM);
    const before = ['Before', '- a', '- b', '', 'After'];
    expect(codec.parse(before)).toEqual(['a', 'b']);
    expect(codec.render(['a', 'c', 'd'], before)).toEqual([
      'Before',
      '- a',
      '- c',
      '- d',
      '',
      'After',
    ]);
    expect(codec.render(['a'], ['Only text'])).toEqual(['Only text', '- a']);
  });

  test('keeps items that are no values, and puts the first value behind them', () => {
    const codec = listCodec(NAMED_LIST_ITEM);
    const before = ['- no name', '- nor here', '', 'Text'];
    expect(codec.parse(before)).toEqual([]);
    expect(codec.render([{ name: 'A', items: ['x'] }], before)).toEqual([
      '- no name',
      '- nor here',
      '- **A:**',
      '  - x',
      '',
      'Text',
    ]);
    expect(codec.render([], ['- no name', '- **A:**', '  - x'])).toEqual(['- no name']);
  });

  test('takes an item without a box as not done', () => {
    expect(CHECK_ITEM.parse('no box')).toEqual({ text: 'no box', done: false });
  });
});

describe('a check in a file', () => {
  const checkIn = (line: string): Check | undefined => {
    const { records } = STEP_FORMAT.parse(
      `## Step S01 – One\n\n### Observable invariants\n\n- It holds\n  - Check: ${line}\n`,
    );
    const found = records.get('S01')?.record.invariants as { text: string; check?: Check }[];
    expect(found).toHaveLength(1);
    if (found[0]?.check === undefined) {
      // What is none stays a part of the text.
      expect(found[0]?.text).toBe(`It holds\n- Check: ${line}`);
    }
    return found[0]?.check;
  };

  test.each([
    ['`a` (in `b`; limit 5 s)', { command: 'a', directory: 'b', timeoutSeconds: 5 }],
    ['function `f`', { function: 'f' }],
    ['function `f` and more', undefined],
    ['no code', undefined],
    ['`a` and more', undefined],
    ['`a` (quickly)', undefined],
    ['`a` (in `b)', undefined],
    ['`a` (expects output `b)', undefined],
    ['`a` (limit 5 s, at most)', undefined],
  ])('%s', (line, expected) => {
    expect(checkIn(line)).toEqual(expected);
  });
});

describe('times', () => {
  test.each(['2026-02-30', '2026-13-01', '2026-01-01 24:00', ' '.repeat(41), 'soon'])(
    '%j is none',
    (said) => {
      expect(parseTime(said)).toBeUndefined();
    },
  );

  test('are written with seconds only where there are some', () => {
    expect(formatTime(START)).toBe('2026-03-01 09:30');
    expect(formatTime(new Date(START.getTime() + 5000))).toBe('2026-03-01 09:30:05');
    expect(formatTime(new Date(Date.UTC(12_026, 2, 1, 9, 30)))).toBe('+012026-03-01 09:30');
  });
});

describe('a log', () => {
  const entry = { verb: 'log', actor: 'Ann', at: START, reason: 'x' };

  test('takes a line that is too long as a remark', () => {
    const long = `[2026-03-01 09:30] Ann: ${'x'.repeat(20_000)}`;
    expect(parseLogLine(long)).toEqual({ verb: 'note', reason: long });
  });

  test('is written again when it does not only grow', () => {
    const before = ['```', '[2026-03-01 09:30] Ann: x', '[2026-03-01 09:31] Ann: y', '```', 'End'];
    expect(LOG.render([entry, { ...entry, reason: 'z' }], before)).toEqual([
      '```',
      '[2026-03-01 09:30] Ann: x',
      '[2026-03-01 09:30] Ann: z',
      '```',
      'End',
    ]);
  });

  test('whose block is never closed ends with its section', () => {
    const before = ['```', '[2026-03-01 09:30] Ann: x'];
    expect(LOG.parse(before)).toEqual([entry]);
    expect(LOG.render([entry, { ...entry, reason: 'y' }], before)).toEqual([
      '```',
      '[2026-03-01 09:30] Ann: x',
      '[2026-03-01 09:30] Ann: y',
    ]);
  });
});

test('marks of headings without a blank behind them make none', () => {
  expect(headingsOf(toLines('#tag\n####### seven\n## Two\n'))).toEqual([
    { index: 2, level: 2, text: 'Two' },
  ]);
});

test('a body ends before the rule that parts it from what follows', () => {
  const source = toLines('# A\ntext\n---\nmore\n\n---\n\nafter\n');
  expect(endOfBody(source, 1, source.lines.length)).toBe(4);
});

describe('a format of records', () => {
  const options = {
    fields: { note: text(), notes: list() },
    level: 2,
    parseHeading: (said: string) => ({ id: said, title: '' }),
    renderHeading: (id: string, title: string) => `${id}${title === '' ? '' : ` – ${title}`}`,
    lineStyle: 'item' as const,
    lines: [{ field: 'note', label: 'Note' }],
    sections: [{ field: 'notes', label: 'Notes' }],
    status: { ...text(), empty: 'open' },
    time: time(),
  };
  const record = { id: 'a', status: 'open', history: [] } as unknown as LedgerRecord;

  test('writes a record without a title, and sections that it is told to write', () => {
    expect(new RecordFormat(options).newRecord(record, ['notes'])).toEqual([
      '## a',
      '',
      '',
      '### Notes',
    ]);
  });

  test('refuses fields where they cannot be written', () => {
    const lines = [{ field: 'notes', label: 'Notes' }];
    expect(() => new RecordFormat({ ...options, lines })).toThrow(
      "The field 'notes' cannot be written on a line",
    );
    const sections = [{ field: 'note', label: 'Note' }];
    expect(() => new RecordFormat({ ...options, sections })).toThrow(
      "The field 'note' cannot be written as a section",
    );
  });
});

test('a label without a blank behind it gets one when its value changes', () => {
  const ledger = STEP_FORMAT.parse('## Step S01 – One\n- **Status:**not_started\n');
  const record = ledger.records.get('S01')?.record;
  expect(STEP_FORMAT.write(ledger, { ...(record as LedgerRecord), status: 'in_progress' })).toBe(
    '## Step S01 – One\n- **Status:** in_progress\n',
  );
});

test('a number in a file that is none is no value', () => {
  const { records } = TASK_FORMAT.parse(
    '### **T-1: One**\n**Revisions**: many\n**Dependencies**: None, T-2 (later)\n',
  );
  expect(records.get('T-1')?.record).not.toHaveProperty('revisionCount');
  expect(records.get('T-1')?.record.dependsOn).toEqual(['T-2']);
});

test('fields refuse values of another kind', () => {
  expect(() => list().check('notes', [5])).toThrow(expect.objectContaining({ field: 'notes[0]' }));
  expect(() => time().check('at', '2026-03-01')).toThrow(expect.objectContaining({ field: 'at' }));
  expect(() => count().check('count', -1)).toThrow(expect.objectContaining({ field: 'count' }));
});

test('a list is not the same as an object', () => {
  expect(isSameValue([], {})).toBe(false);
  expect(isSameValue(['a'], ['a'])).toBe(true);
});

describe('a file of tasks', () => {
  const format = new CoordinationFormat({ clock: clockAt() });

  test('takes a new task at its end when its group is the last one', () => {
    const before = '# Ledger\n\n## Normal priority tasks\n';
    const after = format.write(format.parse(before), taskIn('defined', 'T-1'));
    expect(after).toMatch(/^# Ledger\n\n## Normal priority tasks\n\n### \*\*T-1: Task T-1\*\*\n/);
  });

  test('is left alone where a computed part has another form, and where a line is too long', () => {
    const long = `- **Rework Rate**: ${'x'.repeat(1000)}`;
    const before = [
      '# Ledger',
      '## Normal priority tasks',
      '### Critical Path Analysis',
      'No block of code',
      '### Dependency Matrix',
      'No table',
      '### Quality Metrics',
      long,
      '',
    ].join('\n');
    const ledger = format.parse(before);
    expect(ledger.problems).toEqual([]);
    const after = format.write(ledger, taskIn('defined', 'T-1'));
    expect(after).toContain(`No block of code\n### Dependency Matrix\nNo table\n`);
    expect(after).toContain(long);
  });

  test('says what is wrong in a table with text behind it, and leaves the text', () => {
    const table =
      '### Dependency Matrix\n| Task | Depends On | Blocks |\n|--|--|--|\n| T-9 | None | None |\nText behind\n';
    const { problems } = format.parse(table);
    expect(problems).toMatchObject([
      { line: 4, found: '| T-9 | None | None |', expected: '(no line)' },
    ]);
    expect(format.corrected(format.parse(table))).not.toContain('T-9');
    expect(format.corrected(format.parse(table))).toContain('|--|--|--|\nText behind\n');
  });
});
