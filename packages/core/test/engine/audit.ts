/** Stored jobs that break a rule, with what an audit that repairs makes of them; for any ledger. */
import type { AuditReport, Job, Monque } from '../../src/index.ts';
import { makeJob } from '../../src/testing/index.ts';

export interface BrokenJob {
  readonly name: string;
  readonly rule: string;
  readonly fields: Partial<Job>;
  /** What the job has after a repair; absent where nobody but a person can repair it. */
  readonly repaired?: Readonly<Record<string, unknown>>;
}

const AT = new Date(5_000);

export const BROKEN: readonly BrokenJob[] = [
  {
    name: 'a finished job that does not say when',
    rule: 'status',
    fields: { status: 'completed' },
    repaired: { status: 'completed', finishedAt: AT },
  },
  {
    name: 'a pending job with the rest of a claim',
    rule: 'status',
    fields: { status: 'pending', claimToken: 'left', lockedAt: AT },
    repaired: { status: 'pending', claimToken: undefined, lockedAt: undefined },
  },
  {
    name: 'a job that nobody holds and that is processing',
    rule: 'status',
    fields: { status: 'processing' },
    repaired: { status: 'processing', lockedAt: AT },
  },
  {
    name: 'a blocked job without a gate',
    rule: 'status',
    fields: { status: 'blocked' },
  },
  {
    name: 'a job with a stage twice',
    rule: 'stageOrder',
    fields: { stages: [record('a', 1), record('b', 2), record('a', 3)] },
    repaired: { stages: [record('a', 1), record('b', 2)] },
  },
  {
    name: 'a job with a gate that was opened on nothing',
    rule: 'gateEvidence',
    fields: { gates: [{ name: 'paid', at: AT }] as unknown as NonNullable<Job['gates']> },
  },
  {
    name: 'a job that waits at an open gate',
    rule: 'gateEvidence',
    fields: {
      status: 'blocked',
      blockedBy: 'paid',
      gates: [{ name: 'paid', at: AT, evidence: 1 }],
    },
  },
  {
    name: 'a job with fewer than no failures',
    rule: 'retryCount',
    fields: { failCount: -2 },
    repaired: { failCount: 0 },
  },
  {
    name: 'a finished job that holds a key',
    rule: 'locks',
    fields: { status: 'cancelled', finishedAt: AT, uniqueLock: 'key:a', startLock: 'start:a' },
    repaired: { status: 'cancelled', uniqueLock: undefined, startLock: undefined },
  },
];

/** What the states of a sound job bring. */
const OF_STATES = [
  ...['claimToken', 'claimedBy', 'lockedAt', 'finishedAt'],
  ...['blockedBy', 'blockedAt', 'blockedUntil'],
];

/** Puts every broken job in, with as many sound ones between them; gives the broken ones. */
export async function putBroken(put: (job: Job) => Promise<unknown>): Promise<Job[]> {
  const jobs: Job[] = [];
  for (const { fields, name } of BROKEN) {
    const { status = 'pending' } = fields;
    const made = makeJob({ name, createdAt: AT, updatedAt: AT, status });
    const plain = Object.entries(made).filter(([field]) => !OF_STATES.includes(field));
    const job = { ...Object.fromEntries(plain), ...fields } as unknown as Job;
    await put(job);
    await put(makeJob({ name: 'sound', createdAt: AT, updatedAt: AT }));
    jobs.push(job);
  }
  return jobs;
}

/** What an audit says of each broken job. */
export function findingsOf(monque: Monque, repair: boolean): Promise<AuditReport> {
  return monque.audit({ batchSize: 4, repair });
}

function record(name: string, ms: number): NonNullable<Job['stages']>[number] {
  return { name, at: new Date(ms) };
}
