/**
 * The documents of limits, and the updates that change them. They lie among the jobs, so that the change stream of the
 * jobs carries them; without a state and a name they are in no index that the engine looks for jobs in, and their ids
 * are texts.
 *
 * What always holds: a share is set and computed in one update, by the clock of the server; the choice is the one of
 * `limit-share.ts`.
 *
 * @module
 */
import type { Document } from 'mongodb';
import type {
  LimitRecord,
  RateLimit,
  SetLimitParams,
  TakeShareParams,
} from '../../ledger-repository.ts';
import { nextStartAt } from '../../limit-share.ts';

/** One share as it is stored. */
export interface StoredShare {
  readonly instanceId: string;
  readonly count: number;
  readonly wants: number;
  /** The number of the call that set it. */
  readonly seq: number;
  /** How many starts that call was given. */
  readonly starts: number;
}

/** The stored form of a limit. */
export interface LimitDocument {
  readonly _id: string;
  readonly limitKey: string;
  readonly concurrency?: number;
  readonly rate?: RateLimit;
  /** When what was started so far is used up at the rate, in milliseconds. */
  readonly usedUpMs?: number;
  readonly blockedUntil?: Date;
  readonly shares: readonly StoredShare[];
  /** Grows when those who wait have something to learn; the change stream looks at nothing else. */
  readonly news: number;
  readonly setAt: Date;
  /** Who set it, where that was said. */
  readonly setBy?: string;
  /** Why, where that was said. */
  readonly setReason?: string;
}

const PREFIX = 'limit:';
/** The first text behind all that begin with the prefix. */
const BEHIND_PREFIX = 'limit;';

/** What the ids of these documents look like. */
export const LIMIT_ID_PATTERN: RegExp = /^limit:/;

/** A start that is missing by less counts as allowed: the times are sums of fractions. */
const ROUNDING = 0.01;

const NOW_MS = { $toDouble: '$$NOW' };
const ONE_MORE = { $add: [{ $ifNull: ['$news', 0] }, 1] };
const EVERY_MS = { $divide: ['$rate.perMs', '$rate.limit'] };

/** The id of the document of a limit. */
export function limitId(key: string): string {
  return `${PREFIX}${key}`;
}

/** All of these documents. */
export function limitsFilter(): Document {
  return { _id: { $gte: PREFIX, $lt: BEHIND_PREFIX } };
}

/** Makes a limit, or changes what it allows. */
export function settingLimit({
  key,
  concurrency,
  rate,
  now,
  by,
  reason,
}: SetLimitParams): Document[] {
  const given = (value: unknown): unknown =>
    value === undefined ? '$$REMOVE' : { $literal: value };
  return [
    {
      $set: {
        limitKey: { $literal: key },
        concurrency: given(concurrency),
        rate: given(rate),
        shares: { $ifNull: ['$shares', []] },
        news: ONE_MORE,
        setAt: now,
        setBy: given(by),
        setReason: given(reason),
        usedUpMs:
          rate === undefined
            ? '$$REMOVE'
            : {
                $cond: [
                  { $eq: [{ $type: '$usedUpMs' }, 'missing'] },
                  '$$REMOVE',
                  {
                    $min: ['$usedUpMs', { $add: [NOW_MS, (rate.burst * rate.perMs) / rate.limit] }],
                  },
                ],
              },
      },
    },
  ];
}

/** Only while no call of the instance with this number or a higher one was carried out. */
export function unspentFilter({ key, instanceId, seq }: TakeShareParams): Document {
  return {
    _id: limitId(key),
    shares: { $not: { $elemMatch: { instanceId, seq: { $gte: seq } } } },
  };
}

/** Sets a share. What was there before it is read in the stages behind by names that the last stage takes away. */
export function takingShare(params: TakeShareParams): Document[] {
  const { instanceId, seq, count, wants, starts } = params;
  const isMine = { $eq: ['$$this.instanceId', { $literal: instanceId }] };
  const mine = { $arrayElemAt: [{ $filter: { input: '$shares', as: 'this', cond: isMine } }, 0] };
  const free = { $max: [{ $subtract: ['$concurrency', { $sum: '$shares.count' }] }, 0] };
  const isBlocked = { $gt: [{ $ifNull: ['$blockedUntil', new Date(0)] }, '$$NOW'] };
  const fromMs = { $max: [{ $ifNull: ['$usedUpMs', 0] }, NOW_MS] };
  const roomMs = {
    $subtract: [{ $add: [NOW_MS, { $multiply: ['$rate.burst', EVERY_MS] }] }, fromMs],
  };
  const room = { $floor: { $add: [{ $divide: [roomMs, EVERY_MS] }, ROUNDING] } };
  const hasRate = { $ne: [{ $type: '$rate' }, 'missing'] };
  const isBounded = { $ne: [{ $type: '$concurrency' }, 'missing'] };
  return [
    { $set: { mine } },
    { $set: { held: { $ifNull: ['$mine.count', 0] }, wanted: { $ifNull: ['$mine.wants', 0] } } },
    {
      $set: {
        count: { $cond: [isBounded, { $min: [count, { $add: ['$held', free] }] }, count] },
        starts: {
          $cond: [
            isBlocked,
            0,
            { $cond: [hasRate, { $max: [{ $min: [starts, room] }, 0] }, starts] },
          ],
        },
      },
    },
    {
      $set: {
        usedUpMs: {
          $cond: [
            { $and: [hasRate, { $gt: ['$starts', 0] }] },
            { $add: [fromMs, { $multiply: ['$starts', EVERY_MS] }] },
            { $ifNull: ['$usedUpMs', '$$REMOVE'] },
          ],
        },
        news: {
          $cond: [
            {
              $or: [{ $lt: ['$count', '$held'] }, { $and: [wants > 0, { $eq: ['$wanted', 0] }] }],
            },
            ONE_MORE,
            '$news',
          ],
        },
        shares: {
          $concatArrays: [
            { $filter: { input: '$shares', as: 'this', cond: { $not: [isMine] } } },
            [
              {
                ...{ instanceId: { $literal: instanceId }, count: '$count' },
                ...{ wants: { $literal: wants }, seq: { $literal: seq }, starts: '$starts' },
              },
            ],
          ],
        },
      },
    },
    { $unset: ['mine', 'held', 'wanted', 'count', 'starts'] },
  ];
}

/** Takes the shares of an instance away. */
export function freeingShares(instanceId: string): Document[] {
  const isOthers = { $ne: ['$$this.instanceId', { $literal: instanceId }] };
  const shares = { $filter: { input: '$shares', as: 'this', cond: isOthers } };
  return [{ $set: { shares, news: ONE_MORE } }];
}

/** Lets nothing start before a time. */
export function backingOff(until: Date): Document[] {
  const blockedUntil = { $max: ['$blockedUntil', until] };
  return [{ $set: { blockedUntil, news: ONE_MORE } }];
}

/** A limit as the verbs show it. */
export function toRecord(document: LimitDocument): LimitRecord {
  const { limitKey: key, concurrency, rate, shares, blockedUntil, usedUpMs } = document;
  const startAt = nextStartAt(rate, usedUpMs);
  return {
    key,
    shares: shares.map(({ instanceId, count, wants }) => ({ instanceId, count, wants })),
    ...(concurrency !== undefined && { concurrency }),
    ...(rate && { rate }),
    ...(blockedUntil && { blockedUntil }),
    ...(startAt && { nextStartAt: startAt }),
  };
}
