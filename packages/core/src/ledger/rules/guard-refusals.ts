/**
 * The conditions of the writes keep rules too: what they refuse is reported like what any other rule refuses.
 *
 * @module
 */
import type { Job } from '../../job/job.ts';
import type { JobParams } from '../verbs/call.ts';
import type { Settlement } from '../verbs/settle.ts';
import type { CheckpointParams } from '../verbs/stages.ts';
import type { Invariants } from './rules.ts';
import { writeOfSettlement } from './writes.ts';

type Read = (params: JobParams) => Promise<Job | null>;

/** Reports which rule each of these settlements broke, which the ledger refused. */
export async function reportRefusedSettlements(
  invariants: Invariants,
  read: Read,
  settlements: readonly Settlement[],
): Promise<void> {
  for (const settlement of settlements) {
    const { verb, jobId, lastFailCount, stagesBefore } = settlement;
    if (stagesBefore !== undefined) {
      await reportRefusedStage(invariants, read, verb, { jobId, stagesBefore });
    } else if (lastFailCount !== undefined) {
      const message = 'the failures that the ledger has counted speak against it';
      invariants.guardRefused('retryCount', writeOfSettlement(settlement), message);
    }
  }
}

/** Reports whether the stages or the gates spoke against a stage. */
export async function reportRefusedStage(
  invariants: Invariants,
  read: Read,
  verb: string,
  { jobId, stagesBefore }: Pick<CheckpointParams, 'jobId' | 'stagesBefore'>,
): Promise<void> {
  // A job that is gone has none.
  const { stages = [], gates = [] }: Partial<Job> = Object(await read({ jobId }));
  const recorded = stages.map(({ name }) => name).join(', ');
  const known = stagesBefore.join(', ');
  const write = { verb, jobId, job: { stages, gates } };
  if (recorded === known) {
    invariants.guardRefused('gateEvidence', write, 'a gate before it is closed');
  } else {
    const message = `recorded are the stages [${recorded}], and it came behind [${known}]`;
    invariants.guardRefused('stageOrder', write, message);
  }
}
