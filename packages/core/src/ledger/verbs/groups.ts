/**
 * Jobs that take turns in groups: what the verbs are given and answer.
 *
 * @module
 */
import type { ObjectId } from 'mongodb';
import type { Bounded, ManualAct } from './call.ts';
import type { ClaimParams, ClaimResult, Demand } from './claims.ts';
import type { RateLimit } from './limits.ts';

/** What one group may do, of all processes together. */
export interface GroupSettings {
  /** The most jobs of the group that are processing at once; absent where that is not bounded. */
  readonly concurrency?: number;
  /** Absent where starts are not bounded. */
  readonly rate?: RateLimit;
  /** How many of its jobs are claimed at each of its turns. */
  readonly weight?: number;
}

/** How many jobs with a group are wanted of one name. */
export interface GroupDemand extends Demand {
  /**
   * They are run in batches of at most so many jobs of one group: a group gives as many batches at a turn as it weighs,
   * and each of them counts against `limit` as a full one. @default 1
   */
  readonly batchSize?: number;
  /**
   * Groups with a batch that waits for more jobs, and how many it lacks. They get those, and no turn. What all of them
   * lack is contained in `limit`, and none of it goes to other groups.
   */
  readonly begun?: readonly { readonly group: string; readonly missing: number }[];
}

/** What {@link GroupVerbs.claimGroups} is given. */
export interface ClaimGroupsParams
  extends Pick<ClaimParams, 'instanceId' | 'claimToken' | 'now' | 'suspects' | 'deadlineMs'> {
  /** Different names, at most 200. */
  readonly demand: readonly GroupDemand[];
}

/** What {@link GroupVerbs.claimGroups} answers. */
export interface ClaimGroupsResult extends ClaimResult {
  /** For names of which due jobs wait for the rate of their group: when the first of them may start. */
  readonly startsLater: readonly { readonly name: string; readonly at: Date }[];
  /** How many groups could not be claimed from since another claim had just changed them. */
  readonly lost: number;
}

/** What {@link GroupVerbs.setGroup} is given. What is left out stays as it is, and null takes it back. */
export interface SetGroupParams extends Bounded, ManualAct {
  readonly name: string;
  /** All groups of the name that have no such setting of their own, when left out. */
  readonly group?: string;
  readonly concurrency?: number | null;
  readonly rate?: RateLimit | null;
  readonly weight?: number | null;
  readonly paused?: boolean;
  readonly now: Date;
}

/** What {@link GroupVerbs.readGroups} is given. */
export interface ReadGroupsParams extends Bounded {
  readonly name: string;
  /** Only this one. */
  readonly group?: string;
  /** Those behind this one, in the order of lanes. */
  readonly after?: string;
  readonly limit: number;
  readonly now: Date;
}

/** One group that has jobs which are not finished, or settings of its own. */
export interface GroupRecord extends GroupSettings {
  readonly group: string;
  /** How many of its jobs are pending, up to 1,000. */
  readonly waiting: number;
  /** The earliest due time of those that were counted; absent when none is pending. */
  readonly oldestDueAt?: Date;
  /** How many of its jobs are processing. */
  readonly running: number;
  /** The jobs that are processing, at most 20 of them. */
  readonly holders: readonly ObjectId[];
  /** True while nothing of it starts. */
  readonly paused: boolean;
  /** When the rate allows the next start; it may have passed, and is absent while nothing was started. */
  readonly nextStartAt?: Date;
}

/** The jobs that take turns in groups. */
export interface GroupVerbs {
  /**
   * Takes due jobs with a group for an instance, in turns: of each group as many as it weighs, those of its lowest
   * priority number first, and never more than its concurrency and its rate have room for.
   */
  claimGroups(params: ClaimGroupsParams): Promise<ClaimGroupsResult>;

  /** Sets what a group, or each group of a name, may do, for all instances; what runs, runs on. */
  setGroup(params: SetGroupParams): Promise<void>;

  /** A page of the groups of a name that have unfinished jobs, or settings of their own. */
  readGroups(params: ReadGroupsParams): Promise<readonly GroupRecord[]>;
}
