/**
 * The rules that every ledger knows: what they find wrong with a write or with a stored job, and how the latter is
 * repaired.
 *
 * A rule is a pure function of what it is shown. The rules that are marked as guarded hold whatever is found here: the
 * lifecycle table carries them as conditions of the writes themselves, so that no race gets past them; here they look
 * at jobs that somebody wrote by other means.
 *
 * @module
 */
import type { ObjectId } from 'mongodb';
import type { Job } from '../../job/job.ts';
import { JOB_LIFECYCLE } from '../../job/job-lifecycle.ts';
import { bytesOfPayload } from '../../job/payload.ts';
import { CLAIM_FIELDS, LOCKS } from '../../job/transition-parts.ts';
import type { Repairing } from '../verbs/manual-verbs.ts';

/** What happens to a write that breaks a rule: it is refused and reported, only reported, or nobody looks. */
export type InvariantMode = 'enforce' | 'report' | 'off';

/** A write before it is made, or a stored job in an audit. */
export interface LedgerWrite {
  /** The verb of the ledger or of the settlement; `audit` for a stored job. */
  readonly verb: string;
  readonly jobId: ObjectId;
  /** What the write gives the job: of a new and of a stored job everything, else only what is changed. */
  readonly job: Readonly<Partial<Job>>;
}

/** What is wrong. */
export interface RuleBreach {
  readonly message: string;
  /** The values that show it. */
  readonly values?: Readonly<Record<string, unknown>>;
  /** How to repair it, as a request. */
  readonly advice?: string;
  /** What an audit that repairs does to the stored job; without it somebody must look. */
  readonly repair?: Repairing;
}

/** A rule with a name. */
export interface InvariantRule {
  /** 1 to 100 characters; no rule of the ledger's has it. */
  readonly name: string;
  /**
   * Finds what is wrong; nothing when the rule holds. Called for each write and each stored job of an audit, so it must
   * be fast, and must not change what it is given. What it throws counts as a breach, and so does a promise.
   */
  readonly check: (write: LedgerWrite) => RuleBreach | string | undefined;
}

/** The names of the rules of the ledger's own. */
export type BuiltInRule =
  | 'status'
  | 'stageOrder'
  | 'gateEvidence'
  | 'retryCount'
  | 'locks'
  | 'payloadSize';

/** A rule of the ledger's own. */
export interface KnownRule extends InvariantRule {
  readonly name: BuiltInRule;
  /** True when the writes themselves carry it: then its mode is always `enforce`. */
  readonly isGuarded: boolean;
  /** The verbs it has to look at before they are sent; the guards of the writes see to all others. */
  readonly verbs: readonly string[] | 'all';
}

const PAYLOADS: readonly (keyof Job)[] = ['data', 'result', 'metadata', 'stages', 'gates'];

/** The rules, with the bound of one payload in bytes. */
export function knownRules(maxPayloadBytes: number): readonly KnownRule[] {
  return [
    { name: 'status', isGuarded: true, verbs: [], check: checkStatus },
    { name: 'stageOrder', isGuarded: true, verbs: [], check: checkStages },
    { name: 'gateEvidence', isGuarded: true, verbs: ['openGate'], check: checkGates },
    { name: 'retryCount', isGuarded: true, verbs: ['retry', 'fail'], check: checkFailCount },
    { name: 'locks', isGuarded: true, verbs: [], check: checkLocks },
    {
      name: 'payloadSize',
      isGuarded: false,
      verbs: 'all',
      check: (write) => checkSizes(write, maxPayloadBytes),
    },
  ];
}

/** The fields that belong to a state are there, and those of other states are not. */
function checkStatus({ job }: LedgerWrite): RuleBreach | undefined {
  const { status, finishedAt, claimedBy, lockedAt, blockedBy, waitsFor, updatedAt } = job as Job;
  if (JOB_LIFECYCLE.terminal.includes(status) && finishedAt === undefined) {
    return {
      message: `a ${status} job says when it was finished, or it is kept for ever`,
      values: { status, finishedAt },
      advice: 'set finishedAt',
      ...(updatedAt && { repair: { set: { finishedAt: updatedAt } } }),
    };
  }
  const left = CLAIM_FIELDS.filter((field) => job[field] !== undefined);
  if (status !== 'processing' && left.length > 0) {
    return {
      message: `only a job that is processing is claimed, and this one is ${status}`,
      values: Object.fromEntries(left.map((field) => [field, job[field]])),
      advice: `remove ${left.join(', ')}`,
      repair: { clear: left },
    };
  }
  if (status === 'processing' && claimedBy === undefined && lockedAt === undefined) {
    return {
      message:
        'a job that is processing says who holds it, or since when, or it is never given back',
      values: { claimedBy, lockedAt },
      advice: 'set lockedAt, so that it is recovered',
      ...(updatedAt && { repair: { set: { lockedAt: updatedAt } } }),
    };
  }
  if (status === 'blocked' && blockedBy === undefined && waitsFor === undefined) {
    const message = 'a blocked job names its gate, or whom it waits for';
    return { message, values: { blockedBy }, advice: 'cancel it' };
  }
  return undefined;
}

/** No stage is recorded twice. */
function checkStages({ job: { stages = [] } }: LedgerWrite): RuleBreach | undefined {
  const names = stages.map(({ name }) => name);
  if (new Set(names).size === names.length) return undefined;
  const first = stages.filter(({ name }, index) => names.indexOf(name) === index);
  return {
    message: 'each stage is recorded once',
    values: { stages: names },
    advice: 'keep the first record of each stage',
    repair: { set: { stages: first } },
  };
}

/** Each gate was opened on evidence, and no job waits at an open one. */
function checkGates({ job: { gates = [], blockedBy } }: LedgerWrite): RuleBreach | undefined {
  const bare = gates.find(({ evidence }) => evidence === undefined);
  if (bare !== undefined) {
    return {
      message: `the gate '${bare.name}' is opened on evidence`,
      values: { gate: bare.name },
      advice: 'give the evidence',
    };
  }
  if (!gates.some(({ name }) => name === blockedBy)) return undefined;
  return {
    message: `a job does not wait at its gate '${blockedBy}' once that is open`,
    values: { blockedBy },
    advice: 'cancel and retry it',
  };
}

/** Failures are counted in whole numbers from zero on. */
function checkFailCount({ job: { failCount } }: LedgerWrite): RuleBreach | undefined {
  if (failCount === undefined || (Number.isInteger(failCount) && failCount >= 0)) return undefined;
  return {
    message: 'failures are counted in whole numbers from 0 on',
    values: { failCount },
    advice: 'set failCount to 0',
    repair: { set: { failCount: 0 } },
  };
}

/** A finished job holds no key that others wait for. */
function checkLocks({ job }: LedgerWrite): RuleBreach | undefined {
  const { status } = job;
  const held = LOCKS.filter((field) => job[field] !== undefined);
  if (status === undefined || !JOB_LIFECYCLE.terminal.includes(status) || held.length === 0)
    return undefined;
  return {
    message: `a ${status} job holds no unique key`,
    values: Object.fromEntries(held.map((field) => [field, job[field]])),
    advice: `remove ${held.join(', ')}`,
    repair: { clear: held },
  };
}

function checkSizes({ job }: LedgerWrite, maxBytes: number): RuleBreach | undefined {
  for (const field of PAYLOADS) {
    const value = job[field];
    if (value === undefined) continue;
    const bytes = bytesOfPayload(value);
    if (bytes <= maxBytes) continue;
    return {
      message: `${field} takes at most ${maxBytes} bytes`,
      values: { field, bytes, maxBytes },
      advice: 'keep large values elsewhere, and store where they are',
    };
  }
  return undefined;
}
