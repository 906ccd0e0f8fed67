/**
 * What somebody may want to look at, in sentences, from the snapshot alone.
 *
 * @module
 */
import type { Attention, InstanceRow, NameRow } from '../api/types.ts';
import { type Scope, sees } from './scope.ts';
import type { Snapshot } from './snapshot.ts';

/** A job that waits longer than this is reported. */
const LATE_MS = 60_000;
const VERY_LATE_MS = 600_000;
/** The most jobs of a group that are counted. */
const MOST_WAITING = 1_000;
const CLOCK_ERROR_MS = 1_000;
/** The most sentences. */
const MOST = 100;

/** What is looked at. */
export interface Seen {
  readonly names: readonly NameRow[];
  readonly instances: readonly InstanceRow[];
  readonly snapshot: Snapshot;
  readonly scope: Scope;
}

const SEVERITIES = ['critical', 'warning', 'info'] as const;

/** The sentences, the most severe first. */
export function attentionOf(seen: Seen): Attention[] {
  const { scope } = seen;
  const found = [
    ...ofNames(seen),
    ...ofGroups(seen),
    ...ofInstances(seen),
    ...(scope.seesAll ? [...ofProcess(seen), ...ofTools(seen)] : []),
  ];
  const rank = ({ severity }: Attention): number => SEVERITIES.indexOf(severity);
  return found.sort((a, b) => rank(a) - rank(b)).slice(0, MOST);
}

function ofNames({ names, snapshot }: Seen): Attention[] {
  const anyAlive = snapshot.inspection.instances.some(({ state }) => state === 'alive');
  const due = names.filter((row) => row.due.value > 0);
  if (!anyAlive && due.length > 0) {
    const count = due.reduce((total, row) => total + row.due.value, 0);
    const isAtLeast = due.some((row) => row.due.isAtLeast);
    const message = `No scheduler is started anywhere, and ${jobs(count, isAtLeast)} due`;
    const number = { count: { value: count, isAtLeast } };
    return [{ kind: 'noInstance', severity: 'critical', message, ...number }];
  }
  return due.flatMap((row) => ofName(row));
}

function ofName(row: NameRow): Attention[] {
  const { name, isPaused, instances, due, queueLagMs, deadLetters } = row;
  const waiting = jobs(due.value, due.isAtLeast);
  const about = { name, count: due };
  if (isPaused) {
    const message = `'${name}' is paused, and ${waiting} due`;
    return [{ kind: 'pausedWithDue', severity: 'warning', message, ...about }];
  }
  if (instances === 0 && deadLetters) {
    const message = `${jobs(due.value, due.isAtLeast)} waiting as dead letters under '${name}'`;
    return [{ kind: 'deadLetters', severity: 'warning', message, ...about }];
  }
  if (instances === 0) {
    const message = `No instance has a worker for '${name}', and ${waiting} due`;
    return [{ kind: 'noWorker', severity: 'critical', message, ...about }];
  }
  if (queueLagMs <= LATE_MS) return [];
  const severity = queueLagMs > VERY_LATE_MS ? 'critical' : 'warning';
  const message = `A job of '${name}' has been due for ${inWords(queueLagMs)}, and ${waiting} due`;
  return [{ kind: 'queueLag', severity, message, ...about }];
}

/** Of the fullest groups alone: nobody looks at all of them. */
function ofGroups({ snapshot: { inspection }, scope }: Seen): Attention[] {
  return inspection.fullestGroups.flatMap(({ name, paused, waiting }): Attention[] => {
    if (!paused || waiting === 0 || !sees(scope, name)) return [];
    const isAtLeast = waiting >= MOST_WAITING;
    const count = { value: waiting, isAtLeast };
    const message = `A group of '${name}' is paused, and ${jobs(waiting, isAtLeast)} waiting in it`;
    return [{ kind: 'pausedGroup', severity: 'warning', message, name, count }];
  });
}

function jobs(count: number, isAtLeast: boolean): string {
  const number = isAtLeast ? `at least ${count}` : `${count}`;
  return count === 1 && !isAtLeast ? '1 job is' : `${number} jobs are`;
}

const LOST = {
  silent: ['silentInstance', 'did not renew its lease in time'],
  dead: ['deadInstance', 'is dead'],
  unknown: ['unknownInstance', 'is not on record'],
} as const;

function ofInstances({ instances }: Seen): Attention[] {
  const lost = instances.flatMap(({ instanceId, state, claims, host }): Attention[] => {
    if (state === 'alive' || claims === undefined || claims.count.value === 0) return [];
    const [kind, what] = LOST[state];
    const place = host === undefined ? '' : ` on ${host}`;
    const { value, isAtLeast } = claims.count;
    const held = `${isAtLeast ? 'at least ' : ''}${value} ${value === 1 ? 'job' : 'jobs'}`;
    const message = `Instance ${instanceId}${place} ${what} and holds ${held}`;
    return [{ kind, severity: 'warning', message, instanceId, count: claims.count }];
  });
  const alerts = instances.flatMap(
    ({ instanceId, host = instanceId, alerts: firing = [], isOwn }) =>
      isOwn ? [] : firing.map((kind): Attention => alertOf(kind, `on ${host}`, instanceId)),
  );
  const versions = new Set(
    instances.flatMap(({ state, version }) => (state === 'alive' && version ? [version] : [])),
  );
  if (versions.size < 2) return [...lost, ...alerts];
  const message = `Instances run different versions: ${[...versions].sort().join(', ')}`;
  return [...lost, ...alerts, { kind: 'mixedVersions', severity: 'info', message }];
}

function alertOf(kind: string, where: string, instanceId?: string): Attention {
  const message = `The alert '${kind}' has fired ${where}`;
  return { kind: 'alert', severity: 'warning', message, ...(instanceId && { instanceId }) };
}

/** What the process that serves the dashboard knows of itself. */
function ofProcess({ snapshot: { health, metrics } }: Seen): Attention[] {
  const total = (metric: 'violations' | 'lost'): number =>
    metrics.counters[metric].reduce((sum, { value }) => sum + value, 0);
  const violations = total('violations');
  const lost = total('lost');
  const { clockErrorMs } = metrics.gauges;
  const found: (Attention | false)[] = [
    health.running &&
      !health.connected && {
        ...{ kind: 'disconnected', severity: 'critical' },
        message: 'The last call of the database was not answered',
      },
    ...health.alerts.map((kind) => alertOf(kind, 'in this process')),
    violations > 0 && {
      ...{ kind: 'violations', severity: 'warning' },
      message: `Rules of the ledger were broken ${violations} times by this process`,
      count: { value: violations, isAtLeast: false },
    },
    lost > 0 && {
      ...{ kind: 'lost', severity: 'warning' },
      message: `The end of ${lost} ${lost === 1 ? 'run' : 'runs'} could not be recorded`,
      count: { value: lost, isAtLeast: false },
    },
    clockErrorMs > CLOCK_ERROR_MS && {
      ...{ kind: 'clockError', severity: 'warning' },
      message: `The clock of this machine differs from the database's by ${inWords(clockErrorMs)}`,
    },
    health.running &&
      health.hints === 'polling' && {
        ...{ kind: 'polling', severity: 'info' },
        message: 'New jobs are found by polling: the database announces none',
      },
  ];
  return found.filter((one): one is Attention => one !== false);
}

function ofTools({ snapshot: { inspection } }: Seen): Attention[] {
  const { count: value, isCut: isAtLeast } = inspection.withoutLease;
  if (value === 0) return [];
  const message = `${jobs(value, isAtLeast)} held by tools that keep no lease`;
  return [{ kind: 'withoutLease', severity: 'info', message, count: { value, isAtLeast } }];
}

const UNITS = [
  ['days', 86_400_000],
  ['hours', 3_600_000],
  ['minutes', 60_000],
  ['seconds', 1_000],
] as const;

/** A time span for people. */
function inWords(ms: number): string {
  const [unit, size] = UNITS.find(([, span]) => ms >= 2 * span) ?? ['ms', 1];
  return `${Math.round(ms / size)} ${unit}`;
}
