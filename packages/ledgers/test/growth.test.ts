/**
 * The work grows with the size of a file and no faster: so many times the text takes about so many times the work, where a
 * quadratic step would take the square of that. What is compared are two sizes in one process, so that it holds on any machine.
 */
import { expect, test } from 'vitest';
import { volume } from '../../core/test/setup/volume.ts';
import {
  CoordinationFormat,
  type LedgerFormat,
  type LedgerRecord,
  Redactor,
  VerificationFormat,
} from '../src/index.ts';
import { clockAt, START, stepIn, taskIn, upTo } from './kit.ts';

const TIMES = volume(16, 8);
const MOST_TIMES = 5 * TIMES;
const ROUNDS = 3;
/** The processor time of the smaller size has to be more than what a clock cannot measure. */
const LEAST_MS = 2;
const LARGEST = 16_000_000;

/**
 * Milliseconds of the processor, the least of some rounds: what else happens on the machine only adds. What is less than
 * `boundMs`, or far more, needs no further round.
 */
function costOf(work: () => void, boundMs = 0): number {
  let least = Number.POSITIVE_INFINITY;
  const isOpen = (): boolean => boundMs === 0 || (least >= boundMs && least < 2 * boundMs);
  for (let round = 0; round < ROUNDS && (round === 0 || isOpen()); round += 1) {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1000);
  }
  return least;
}

/** How many times the work a text of so many times the length is. Memory that is cleared meanwhile is no growth. */
function growthOf(make: (count: number) => string, work: (text: string) => void): number {
  const first = measuredGrowth(make, work);
  return first < MOST_TIMES ? first : Math.min(first, measuredGrowth(make, work));
}

function measuredGrowth(make: (count: number) => string, work: (text: string) => void): number {
  for (let count = 64; ; count *= 2) {
    const small = make(count);
    const cost = costOf(() => work(small));
    if (cost < LEAST_MS && small.length * TIMES < LARGEST) continue;
    const large = make(count * TIMES);
    const unit = Math.max(cost, LEAST_MS);
    return costOf(() => work(large), MOST_TIMES * unit) / unit;
  }
}

const many = (text: string) => (count: number) => text.repeat(count);
const STEP = '## Step S01 – One\n\n- **Status:** not_started\n\n';
const inStep = (section: string, text: string) => (count: number) =>
  `${STEP}### ${section}\n\n${text.repeat(count)}\n`;
const numbered = (text: (n: number) => string) => (count: number) => upTo(count).map(text).join('');

const SHAPES: readonly (readonly [name: string, make: (count: number) => string])[] = [
  ['one line', many('x')],
  ['one line of blanks', many(' ')],
  ['one heading', (count) => `# ${'x '.repeat(count)}`],
  ['blank lines', many('\n')],
  ['headings', many('## x\n')],
  ['headings, each deeper or less deep', many('# a\n## b\n### c\n#### d\n')],
  ['rules', many('---\n\n')],
  ['fences that open and close', many('```\nx\n```\n')],
  ['fences that never close', many('```x\n')],
  ['fences in fences', numbered((n) => `${'`'.repeat(3 + (n % 50))}\n`)],
  ['comments that never close', many('<!-- \n')],
  ['comments on a line', many('<!-- x --> <!-- \n')],
  ['list items', inStep('Concerns & open issues', '- x\n')],
  ['list items with blank lines', inStep('Concerns & open issues', '- x\n\n\n\n')],
  ['one list item', inStep('Concerns & open issues', '- x\n\n  y\n')],
  ['text beside a list', inStep('Concerns & open issues', 'x\n')],
  ['fields that come twice', (count) => STEP + '- **Status:** verified\n'.repeat(count)],
  ['fields that nobody knows', (count) => STEP + '- **Mood:** fine\n'.repeat(count)],
  ['sections that come twice', (count) => STEP + '### History\n\n'.repeat(count)],
  [
    'invariants',
    inStep('Observable invariants (for future verification)', '- x\n  - Check: `y`\n'),
  ],
  ['results', inStep('Tests & commands run', '- `y` – PASS (x)\n  ```text\n  z\n  ```\n')],
  ['history', inStep('History', '```\n[2026-01-01 10:00] x: y\n```\n')],
  [
    'a log',
    (count) => `${STEP}### History\n\n\`\`\`\n${'[2026-01-01] x: y\n'.repeat(count)}\`\`\`\n`,
  ],
  ['ids that come twice', many(STEP)],
  ['steps', numbered((n) => `## Step S${n} – x\n\n- **Status:** verified\n\n### History\n\n`)],
  [
    'tasks that depend on each other',
    numbered(
      (n) =>
        `### TASK-${n}: x\n\n**Status**: 📝 DEFINED  \n**Dependencies**: TASK-${n - 1}, TASK-${n >> 1}\n\n`,
    ),
  ],
  ['backticks', (count) => `${STEP}### Concerns & open issues\n\n- ${'`'.repeat(count)}\n`],
  ['stars', (count) => `${STEP}- ${'*'.repeat(count)}\n**${'* '.repeat(count)}\n`],
];

const FORMATS: readonly (readonly [string, LedgerFormat])[] = [
  ['verification', new VerificationFormat()],
  ['coordination', new CoordinationFormat({ clock: clockAt() })],
];

test.each(
  FORMATS.flatMap(([kind, format]) => SHAPES.map(([name, make]) => ({ kind, format, name, make }))),
)(
  'a $kind ledger is read in time that grows with its size: $name',
  ({ format, make }) => {
    expect(growthOf(make, (text) => void format.parse(text))).toBeLessThan(MOST_TIMES);
  },
  120_000,
);

const inMany = (make: (id: string) => LedgerRecord) => (count: number) =>
  upTo(count).map((n) => make(`R${n}`));
const history = upTo(5).map(() => ({ at: START, verb: 'log', actor: 'Ann', reason: 'x' }));
const WRITES = [
  ['verification', new VerificationFormat(), inMany((id) => stepIn('verified', id, { history }))],
  [
    'coordination',
    new CoordinationFormat({ clock: clockAt() }),
    inMany((id) => taskIn('defined', id, { history })),
  ],
] as const;

test.each(WRITES)(
  'a change of one record of a %s ledger takes time that grows with its size',
  (_kind, format, recordsOf) => {
    const make = (count: number): string => format.render(recordsOf(count) as never);
    const work = (text: string): void => {
      const parsed = format.parse(text);
      const { record } = [...parsed.records.values()].at(-1) ?? {};
      format.write(parsed, { ...record, title: 'Another' } as LedgerRecord);
    };
    expect(growthOf(make, work)).toBeLessThan(MOST_TIMES);
  },
  120_000,
);

const SECRET = 'aaaaaaaaab';

test.each<[string, (count: number) => string]>([
  ['nothing', many('x ')],
  ['the secret', many(`${SECRET} `)],
  ['nearly the secret', many('a')],
  ['the secret in base64', many(Buffer.from(`${SECRET}--`).toString('base64'))],
  ['the secret in hexadecimal', many(Buffer.from(SECRET).toString('hex'))],
])(
  'secrets are taken out in time that grows with the text: of %s',
  (_name, make) => {
    const redactor = new Redactor([
      ['TOKEN', SECRET],
      ['OTHER', 'another-value\nof two lines'],
    ]);
    expect(growthOf(make, (text) => void redactor.redact(text))).toBeLessThan(MOST_TIMES);
    expect(growthOf(make, (text) => void redactor.find(text))).toBeLessThan(MOST_TIMES);
  },
  120_000,
);

test('a step of the work that is quadratic is seen', () => {
  // As a parser would that looks for an end from each line on, and finds none.
  const quadratic = (text: string): void => {
    for (let at = text.indexOf('x'); at >= 0; at = text.indexOf('x', at + 1)) {
      if (text.indexOf('-->', at) >= 0) throw new Error('The text has an end');
    }
  };
  const sparse = many(`x${' '.repeat(4_000)}`);
  expect(measuredGrowth(sparse, quadratic)).toBeGreaterThan(MOST_TIMES);
}, 120_000);
