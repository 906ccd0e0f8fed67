/**
 * Files as nobody writes them on purpose: each is kept as it is, or refused with the line at fault.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  CoordinationFormat,
  LedgerFileError,
  MarkdownRecordStore,
  VerificationFormat,
  VerificationLedger,
} from '../../src/index.ts';
import { withEdits } from '../../src/markdown/lines.ts';
import { clockAt, STEP_FORMAT } from '../kit.ts';

const BY = { actor: 'Ann', run: 'run-001' };
const STEP = '## Step S01 – One\n\n- **Status:** not_started\n';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ledger-'));
});
afterAll(() => rm(folder, { recursive: true }));

let files = 0;
async function ledgerOf(
  text: string | Uint8Array,
): Promise<{ readonly path: string; readonly ledger: VerificationLedger }> {
  files += 1;
  const path = join(folder, `${files}.md`);
  await writeFile(path, text);
  const store = new MarkdownRecordStore(path, STEP_FORMAT);
  return { path, ledger: new VerificationLedger({ store, clock: clockAt() }) };
}

/** Starts S01 and expects that every line but those of its fields is as it was. */
async function expectKept(text: string): Promise<string> {
  const { path, ledger } = await ledgerOf(text);
  await ledger.start('S01', BY);
  const after = await readFile(path, 'utf8');
  const changed = /Status:|Last updated|Responsible run ID|^### History|^```$|^\[2026/;
  const lines = (of: string): string[] =>
    of.split('\n').filter((line) => line.trim() !== '' && !changed.test(line));
  expect(lines(after)).toEqual(lines(text));
  expect(after).toContain('**Status:** in_progress');
  return after;
}

describe('a file is kept as it is', () => {
  test('with lines of ten megabytes', async () => {
    const long = 'x'.repeat(10_000_000);
    await expectKept(`${long}\n\n${STEP}\n${long}\n\n### Concerns & open issues\n\n- ${long}\n`);
    await expectKept(`# ${'*_['.repeat(1_000_000)}\n- **${'*'.repeat(1_000_000)}\n${STEP}`);
  }, 60_000);

  test('with headings of steps inside of code blocks, comments and lists', async () => {
    const fake = '## Step S01 – Not one\n';
    const text = [
      `\`\`\`\`md\n\`\`\`\n${fake}\`\`\`\n${fake}\`\`\`\`\n`,
      `~~~\n${fake}\`\`\`\n~~~\n`,
      `<!-- ${fake}${fake}-->\n`,
      `- \`\`\`\n  ${fake}  \`\`\`\n`,
      STEP,
    ].join('\n');
    await expectKept(text);
  });

  test('with markup, scripts and templates in texts', async () => {
    const evil =
      '<script>alert(1)</script> <img src=x onerror=alert(1)> {{7*7}} <%= 7*7 %> [x](javascript:alert(1))';
    const after = await expectKept(`${STEP}\n### Concerns & open issues\n\n- ${evil}\n`);
    expect(after).toContain(evil);
  });

  test('with Windows line ends, which new lines get too', async () => {
    const { path, ledger } = await ledgerOf(`# Ledger\n${STEP}`.replaceAll('\n', '\r\n'));
    await ledger.start('S01', BY);
    const after = await readFile(path, 'utf8');
    expect(after.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
    expect((await ledger.get('S01'))?.status).toBe('in_progress');
  });

  test('with a byte order mark, and without an end to its last line', async () => {
    const after = await expectKept(`\uFEFF${STEP}\nThe end`);
    expect(after.startsWith('\uFEFF## Step S01')).toBe(true);
    const { path, ledger } = await ledgerOf('## Step S01 – One\n- **Status:** not_started');
    await ledger.start('S01', BY);
    expect(await readFile(path, 'utf8')).toMatch(
      /^## Step S01 – One\n- \*\*Status:\*\* in_progress\n- \*\*Last updated/,
    );
  });

  test('with dashes and blanks of every kind', async () => {
    const after = await expectKept(
      `## Step S01 ‑ re‑verify — it − now\u00a0\n\n- **Status:**\u00a0not_started\n- **Last updated:** 2026‑01‑02 03:04 UTC\n`.replace(
        '\u00a0not',
        ' not',
      ),
    );
    expect(after).toContain('re‑verify — it − now');
    const format = new VerificationFormat();
    const { records } = format.parse(
      '## Step S01 – One\n- **Last updated:** 2026‑01‑02 03:04 UTC\n',
    );
    expect(records.get('S01')?.record.updatedAt).toEqual(new Date('2026-01-02T03:04Z'));
  });

  test('with sections and lines that no ledger knows, and some that come twice', async () => {
    await expectKept(
      `${STEP}- **Mood:** fine\n- **Status:** verified\n\n### Weather\n\nSunny\n\n#### Wind\n\n- none\n\n### Weather\n`,
    );
    const { problems } = STEP_FORMAT.parse(
      `${STEP}- **Status:** verified\n\n### History\n\n### History\n`,
    );
    expect(problems).toMatchObject([
      {
        line: 4,
        severity: 'warning',
        message: "S01 has another line 'Status'; the first one counts",
      },
      {
        line: 8,
        severity: 'warning',
        message: "S01 has another section 'History'; the first one counts",
      },
    ]);
  });
});

describe('nothing is written to a file', () => {
  const refusals: readonly (readonly [what: string, text: string, line: number, said: string])[] = [
    ['with an id twice', `${STEP}\n${STEP}`, 5, "the id 'S01' is taken by the record on line 1"],
    ['with a prototype as id', `${STEP}\n## Step __proto__ – x\n`, 5, "'__proto__' is no id"],
    ['with a path as id', `${STEP}\n## Step ../../x – x\n`, 5, "'../../x' is no id"],
    [
      'with a status that is none',
      `${STEP}\n## Step S02 – x\n- **Status:** done\n`,
      6,
      'S02 has a status that is none',
    ],
    ['with a code block that never ends', `${STEP}\n\`\`\`js\n${STEP}`, 5, 'is never closed'],
    ['with a comment that never ends', `${STEP}\n<!-- \n${STEP}`, 5, 'is never closed'],
  ];
  test.each(refusals)('%s', async (_what, text, line, said) => {
    const { path, ledger } = await ledgerOf(text);
    const error = await ledger.start('S01', BY).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(LedgerFileError);
    expect(error).toMatchObject({ path, line, message: expect.stringContaining(said) });
    expect(await readFile(path, 'utf8')).toBe(text);
    expect(await ledger.get('S01')).toMatchObject({ status: 'not_started' });
  });

  test('that is not UTF-8', async () => {
    const bytes = Uint8Array.from([...Buffer.from(STEP), 0xff, 0xfe]);
    const { path, ledger } = await ledgerOf(bytes);
    await expect(ledger.start('S01', BY)).rejects.toThrow('the file is not UTF-8');
    expect(new Uint8Array(await readFile(path))).toEqual(bytes);
  });

  test('that is not there, and reading does not make one', async () => {
    const path = join(folder, 'nothing.md');
    const ledger = new VerificationLedger({ store: new MarkdownRecordStore(path, STEP_FORMAT) });
    await expect(ledger.list()).rejects.toThrow('there is no such file; make it with `init`');
    await expect(ledger.start('S01', BY)).rejects.toThrow('there is no such file');
    await expect(readFile(path)).rejects.toThrow('ENOENT');
    const inFolder = new MarkdownRecordStore(join(folder, 'no', 'such.md'), STEP_FORMAT);
    await expect(inFolder.init()).rejects.toThrow('the file cannot be made');
    await expect(new MarkdownRecordStore(folder, STEP_FORMAT).read()).rejects.toThrow(
      'the file cannot be read',
    );
  });
});

test('an empty file and one without records are ledgers without records', async () => {
  for (const text of ['', '\n', '\uFEFF', '# Only a title', 'x'.repeat(5000)]) {
    const { ledger } = await ledgerOf(text);
    expect(await ledger.list()).toEqual([]);
    await ledger.add('S01', { title: 'One' }, BY);
    expect(await ledger.list()).toHaveLength(1);
  }
});

test('a file that is made is not made again over what is there', async () => {
  const store = new MarkdownRecordStore(join(folder, 'made.md'), STEP_FORMAT);
  expect(await store.init()).toBe(true);
  await new VerificationLedger({ store }).add('S01', { title: 'One' }, BY);
  expect(await store.init()).toBe(false);
  expect((await store.read()).records.size).toBe(1);
});

test('reading never changes a file', async () => {
  const text = await readFile(
    new URL('../fixtures/coordination-ledger.md', import.meta.url),
    'utf8',
  );
  const path = join(folder, 'read.md');
  await writeFile(path, text);
  const store = new MarkdownRecordStore(path, new CoordinationFormat());
  await store.read();
  await store.list({});
  await store.get('CRIT-001');
  expect(await readFile(path, 'utf8')).toBe(text);
});

test('a value that Markdown would give back as another one is refused, and the file stays', async () => {
  // A format that loses a field, as a mistake in a format of one's own would.
  const { path } = await ledgerOf(STEP);
  const losing = {
    parse: (text: string) => STEP_FORMAT.parse(text),
    parseRecords: (text: string) => STEP_FORMAT.parseRecords(text),
    write: (ledger: ReturnType<typeof STEP_FORMAT.parse>) => withEdits(ledger.source, []),
    template: () => '',
  };
  const ledger = new VerificationLedger({
    store: new MarkdownRecordStore(path, losing),
    clock: clockAt(),
  });
  await expect(ledger.start('S01', BY)).rejects.toThrow(
    'the change cannot be written as Markdown (S01: history, status, runId, updatedAt)',
  );
  const more = { ...losing, write: () => `${STEP}\n${STEP}` };
  const other = new VerificationLedger({
    store: new MarkdownRecordStore(path, more),
    clock: clockAt(),
  });
  await expect(other.start('S01', BY)).rejects.toThrow('the change cannot be written as Markdown');
  expect(await readFile(path, 'utf8')).toBe(STEP);
});
