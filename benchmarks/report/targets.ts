/**
 * What the library is meant to reach, and what was measured.
 *
 * @module
 */
import { median } from '../statistics.ts';
import { roundsOf, type ScenarioResult } from './results.ts';
import { formatFigure, markdownTable } from './table.ts';

/** One aim, and how it is read from results. */
interface Target {
  readonly aim: string;
  readonly kind: 'at least' | 'at most';
  readonly bound: number;
  /** Beyond the aim; absent when there is none. */
  readonly goal?: number;
  readonly digits: number;
  /** One value a round; empty when a result it needs is missing. */
  readonly measured: (look: Look) => number[];
}

/** Every round of one figure of one row. */
type Look = (scenarioId: string, systemId: string, figure: string, variant?: string) => number[];

const ONE = 'one process';
const AT_1000 = '1,000/s, one process';
const EVERY_RULE = 'all, and two of the user';

const TARGETS: readonly Target[] = [
  {
    aim: 'Drain, times the findOneAndUpdate loop',
    kind: 'at least',
    bound: 12,
    goal: 20,
    digits: 1,
    measured: (look) => ratio(drainOf(look, 'monque'), drainOf(look, 'loop')),
  },
  {
    aim: 'Drain, of the bare batch protocol',
    kind: 'at least',
    bound: 0.85,
    digits: 2,
    measured: (look) => ratio(drainOf(look, 'monque'), drainOf(look, 'batch')),
  },
  {
    aim: 'Drain, times Agenda at the better of its two settings',
    kind: 'at least',
    bound: 30,
    digits: 1,
    measured: (look) =>
      ratio(
        drainOf(look, 'monque'),
        best(drainOf(look, 'agenda'), drainOf(look, 'agenda-defaults')),
      ),
  },
  {
    aim: 'Drain, of BullMQ with `appendfsync always`',
    kind: 'at least',
    bound: 1,
    digits: 2,
    measured: (look) => ratio(drainOf(look, 'monque'), drainOf(look, 'bullmq-durable')),
  },
  {
    aim: 'Drain, of BullMQ without persistence',
    kind: 'at least',
    bound: 0.7,
    goal: 1,
    digits: 2,
    measured: (look) => ratio(drainOf(look, 'monque'), drainOf(look, 'bullmq')),
  },
  {
    aim: 'Enqueue of one job a call, times one plain `insertOne` each',
    kind: 'at least',
    bound: 3,
    goal: 6,
    digits: 1,
    measured: (look) =>
      ratio(
        look('enqueue', 'monque', 'jobsPerSecond', 'one a call'),
        look('enqueue', 'loop', 'jobsPerSecond', 'one a call'),
      ),
  },
  {
    aim: 'At 1,000 jobs/s in one process, p99 in times of BullMQ with `appendfsync always`',
    kind: 'at most',
    bound: 3,
    digits: 2,
    measured: (look) =>
      ratio(
        look('rates', 'monque', 'p99Ms', AT_1000),
        look('rates', 'bullmq-durable', 'p99Ms', AT_1000),
      ),
  },
  {
    aim: 'Pickup p50 in one process, in acknowledged plain inserts',
    kind: 'at most',
    bound: 3,
    digits: 2,
    measured: (look) =>
      ratio(
        look('pickup', 'monque', 'p50Ms', ONE),
        look('pickup', 'loop', 'acknowledgedP50Ms', ONE),
      ),
  },
  {
    aim: 'Pickup p50 across two processes, ms more than in one',
    kind: 'at most',
    bound: 3,
    digits: 2,
    measured: (look) =>
      pairs(
        look('pickup', 'monque', 'p50Ms', 'two processes'),
        look('pickup', 'monque', 'p50Ms', ONE),
      ).map(([apart, together]) => apart - together),
  },
  {
    aim: 'Round trips a job at full batches',
    kind: 'at most',
    bound: 0.05,
    digits: 4,
    measured: (look) => look('cost', 'monque', 'commandsAJob'),
  },
  {
    aim: 'Documents written a job at full batches',
    kind: 'at most',
    bound: 2.02,
    digits: 3,
    measured: (look) => look('cost', 'monque', 'writesAJob'),
  },
  {
    aim: 'Rate of 8 processes on one queue, of that of one',
    kind: 'at least',
    bound: 0.7,
    digits: 2,
    measured: (look) =>
      ratio(
        look('processes', 'monque', 'jobsPerSecond', '8'),
        look('processes', 'monque', 'jobsPerSecond', '1'),
      ),
  },
  {
    aim: 'Attempts per won job with 8 processes',
    kind: 'at most',
    bound: 1.3,
    digits: 2,
    measured: (look) => look('processes', 'monque', 'claimAttemptsAJob', '8'),
  },
  {
    aim: 'Rate with 1,000,000 jobs waiting, of that with 10,000',
    kind: 'at least',
    bound: 0.9,
    digits: 2,
    measured: (look) =>
      ratio(
        look('backlog', 'monque', 'jobsPerSecond', '1,000,000'),
        look('backlog', 'monque', 'jobsPerSecond', '10,000'),
      ),
  },
  {
    aim: 'Rate with all rules and two of the user’s, of that with the default ones',
    kind: 'at least',
    bound: 0.95,
    digits: 2,
    measured: (look) =>
      ratio(
        look('rules', 'monque', 'jobsPerSecond', EVERY_RULE),
        look('rules', 'monque', 'jobsPerSecond', 'default'),
      ),
  },
];

/** The aims of these results that were not reached. Those of scenarios that are not among them are passed over. */
export function missedTargets(results: readonly ScenarioResult[]): string[] {
  const look = lookIn(results);
  return TARGETS.filter(
    (target) => verdict(target, median(target.measured(look))) === 'missed',
  ).map(({ aim }) => aim);
}

function lookIn(results: readonly ScenarioResult[]): Look {
  return (scenarioId, systemId, figure, variant = '') => {
    const rows = results.find((result) => result.scenarioId === scenarioId)?.rows ?? [];
    const row = rows.find((one) => one.systemId === systemId && one.variant === variant);
    return row ? roundsOf(row, figure) : [];
  };
}

/** The table of targets: the median of the rounds' values, and the lowest and highest. */
export function targetsTable(results: readonly ScenarioResult[]): string {
  const look = lookIn(results);
  const body = TARGETS.map((target) => {
    const rounds = target.measured(look);
    const middle = median(rounds);
    return [
      target.aim,
      `${target.kind} ${target.bound}${target.goal === undefined ? '' : `, goal ${target.goal}`}`,
      formatFigure(target, middle),
      rounds.length > 1
        ? `${formatFigure(target, Math.min(...rounds))} to ${formatFigure(target, Math.max(...rounds))}`
        : '',
      verdict(target, middle),
    ];
  });
  return markdownTable(['what', 'target', 'measured', 'rounds', ''], body, 2);
}

function verdict({ kind, bound }: Target, value: number): string {
  if (Number.isNaN(value)) return 'not run';
  return (kind === 'at least' ? value >= bound : value <= bound) ? 'reached' : 'missed';
}

function drainOf(look: Look, systemId: string): number[] {
  return look('drain', systemId, 'jobsPerSecond');
}

/** Round by round, since the rounds of all systems are interleaved. */
function ratio(values: readonly number[], bases: readonly number[]): number[] {
  return pairs(values, bases).map(([value, base]) => value / base);
}

function best(values: readonly number[], others: readonly number[]): number[] {
  return pairs(values, others).map(([value, other]) => Math.max(value, other));
}

function pairs(values: readonly number[], others: readonly number[]): [number, number][] {
  return values.flatMap((value, index) => {
    const other = others[index];
    return other === undefined ? [] : [[value, other] as [number, number]];
  });
}
