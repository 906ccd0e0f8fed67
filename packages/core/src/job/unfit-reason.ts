/**
 * Whether a job that was read can be run by this version: documents may have been written manually, or by a newer one.
 *
 * @module
 */
import { InvalidArgumentError } from '../foundation/errors.ts';
import { isValidDate } from '../foundation/kinds.ts';
import { type Job, NEWEST_VERSION } from './job.ts';

interface Kind {
  readonly expected: string;
  readonly fits: (value: unknown) => boolean;
  /** Fields that may be absent all the same. */
  readonly fields: readonly (keyof Job)[];
}

const KINDS: readonly Kind[] = [
  {
    expected: 'a number',
    fits: isNumber,
    fields: [
      ...(['priority', 'failCount', 'fence', 'rescueCount', 'maxRetries', 'timeout'] as const),
      ...(['seriesVersion', 'documentVersion'] as const),
    ],
  },
  {
    expected: 'a string',
    fits: (value) => typeof value === 'string',
    fields: [
      ...(['name', 'claimToken', 'claimedBy', 'uniqueKey', 'uniqueLock', 'startLock'] as const),
      ...([
        'windowLock',
        'repeatInterval',
        'timezone',
        'missed',
        'order',
        'group',
        'lane',
        'ref',
        'supersedes',
      ] as const),
    ],
  },
  {
    expected: 'a valid Date',
    fits: isValidDate,
    fields: [
      ...(['nextRunAt', 'lockedAt', 'startedAt', 'cancelRequestedAt', 'windowUntil'] as const),
      ...(['startAt', 'endAt', 'scheduledFor'] as const),
    ],
  },
  {
    expected: 'a list',
    fits: (value) => Array.isArray(value),
    fields: ['history', 'logs'],
  },
  {
    expected: 'a list of tokens',
    fits: (value) => Array.isArray(value) && value.every((item) => typeof item === 'string'),
    fields: ['feeds', 'waitsFor'],
  },
  {
    expected: 'a list of records with names',
    fits: (value) =>
      Array.isArray(value) && value.every((item) => typeof Object(item).name === 'string'),
    fields: ['stages', 'gates'],
  },
  {
    expected: 'where a dead letter failed',
    fits: (value) => typeof Object(value).name === 'string' && isValidDate(Object(value).failedAt),
    fields: ['source'],
  },
  {
    expected: 'a plan with a type and a delay',
    fits: isBackoffPlan,
    fields: ['backoff'],
  },
];

/** By field: a stored job has far fewer fields than it could have. */
const KIND_OF: ReadonlyMap<string, Kind> = new Map(
  KINDS.flatMap((kind) => kind.fields.map((field) => [field, kind] as const)),
);

/** Why this version cannot run a job; undefined when it can. */
export function unfitReason(job: Job): string | undefined {
  for (const field in job) {
    const value: unknown = job[field as keyof Job];
    const kind = KIND_OF.get(field);
    if (kind === undefined || value === undefined || kind.fits(value)) continue;
    return `A field of the stored job does not fit: ${new InvalidArgumentError(field, kind.expected, value).message}`;
  }
  if (job.documentVersion <= NEWEST_VERSION) return undefined;
  return `Expected a stored job of version ${NEWEST_VERSION} or older, got version ${job.documentVersion}; upgrade the process, or let one of the newer version run it`;
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && !Number.isNaN(value);
}

function isBackoffPlan(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { type, delay, maxDelay = 0, jitter = 0 } = value as Record<string, unknown>;
  const isKnown = type === 'fixed' || type === 'exponential';
  return isKnown && [delay, maxDelay, jitter].every(isNumber);
}
