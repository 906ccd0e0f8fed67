/**
 * What was run to test a step: a line that a person wrote, or the result of a check.
 *
 * @module
 */
import { formatTime, parseTime } from '../foundation/dates.ts';
import { codeSpan, type ItemCodec, readCodeSpan } from '../markdown/codecs.ts';
import { checkItem, type Field, listOf } from '../record/fields.ts';

/** How one run of a check ended. */
export interface CheckResult {
  /** The command, or `function` and its name. */
  readonly check: string;
  readonly passed: boolean;
  /** When it ended, in whole seconds. */
  readonly at: Date;
  /** The run in which it was made. */
  readonly run: string;
  /** The exit code; absent when the command was ended, never started, or is a function. */
  readonly exitCode?: number;
  /** How long it took, in milliseconds. */
  readonly durationMs: number;
  /** Why it failed, where the exit code does not say it. */
  readonly fault?: string;
  /** The last part of what it printed, without secrets. */
  readonly output?: string;
}

/** A line of `Tests & commands run`. */
export type TestRun = { readonly text: string } | CheckResult;

const RESULT =
  /^ – (PASS|FAIL) \((\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?) UTC, run ([\w.:-]+)(?:, exit (\d{1,3}))?, (\d{1,12}) ms(?:, ([^\n]*))?\)$/;

/** A result as an item: a line, and the output as a block of code. */
const TEST_RUN_ITEM: ItemCodec<TestRun> = {
  parse(text) {
    const [line = '', ...rest] = text.split('\n');
    const span = line.length > 5000 ? undefined : readCodeSpan(line);
    const [, verdict, when = '', run = '', exit, ms, fault] = RESULT.exec(span?.rest ?? '') ?? [];
    const at = parseTime(when);
    const output = rest.length === 0 ? undefined : outputOf(rest);
    if (span === undefined || at === undefined || output === null) return { text };
    return {
      ...{ check: span.code, passed: verdict === 'PASS', at, run },
      ...(exit !== undefined && { exitCode: Number(exit) }),
      durationMs: Number(ms),
      ...(fault !== undefined && { fault }),
      ...(output !== undefined && { output }),
    };
  },
  render(value) {
    if ('text' in value) return value.text;
    const { check, passed, at, run, exitCode, durationMs, fault, output } = value;
    const exit = exitCode === undefined ? '' : `, exit ${exitCode}`;
    const why = fault === undefined ? '' : `, ${fault}`;
    const said = `${formatTime(at)} UTC, run ${run}${exit}, ${durationMs} ms${why}`;
    const line = `${codeSpan(check)} – ${passed ? 'PASS' : 'FAIL'} (${said})`;
    if (output === undefined) return line;
    const fence = fenceFor(output);
    return [line, `${fence}text`, output, fence].join('\n');
  },
};

function fenceFor(output: string): string {
  const longest = Math.max(2, ...[...output.matchAll(/`{3,}/g)].map(([run]) => run.length));
  return '`'.repeat(longest + 1);
}

/** The text in the block of code; null when there is something else. */
function outputOf(lines: readonly string[]): string | null {
  const [open = '', ...rest] = lines;
  const fence = /^(`{3,})text$/.exec(open)?.[1];
  if (fence === undefined || rest.at(-1) !== fence) return null;
  return rest.slice(0, -1).join('\n');
}

/** The runs after new results: each takes the place of the last result of the same check. */
export function withResults(runs: readonly TestRun[], results: readonly CheckResult[]): TestRun[] {
  const byCheck = new Map(results.map((result) => [result.check, result]));
  const kept = runs.map((run) => {
    const newer = 'check' in run ? byCheck.get(run.check) : undefined;
    if ('check' in run) byCheck.delete(run.check);
    return newer ?? run;
  });
  return [...kept, ...byCheck.values()];
}

/** A list of test runs. Results are made by the ledger itself. */
export function testRuns(): Field<readonly TestRun[]> {
  return listOf(TEST_RUN_ITEM, (name, value) => {
    const text = TEST_RUN_ITEM.render(value as TestRun);
    return TEST_RUN_ITEM.parse(checkItem(name, text)) as TestRun;
  });
}
