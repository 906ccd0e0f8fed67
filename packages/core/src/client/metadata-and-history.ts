/**
 * What is told of jobs beside their states: their metadata, changed by hand, and their history.
 *
 * @module
 */
import type { EngineContext } from '../context/scheduler-context.ts';
import { checkFields, integer, toObjectId } from '../foundation/argument-checks.ts';
import type { Job } from '../job/job.ts';
import { copyMetadataChanges, metadataFull } from '../job/metadata.ts';
import type { TransitionEntry } from '../ledger/ledger-repository.ts';

const DEFAULT_HISTORY_LIMIT = 1_000;
const MOST_ENTRIES = 10_000;

type RecordsContext = Pick<EngineContext, 'ledger' | 'ledgerTime'>;

/** Which part of a history is read. */
export interface GetHistoryOptions {
  /** The most entries, from 1 to 10000; of more the newest are given. @default 1000 */
  readonly limit?: number;
}

/** Metadata and histories. */
export class Records {
  readonly #context: RecordsContext;

  constructor(context: RecordsContext) {
    this.#context = context;
  }

  /** What happened to a job, the oldest first; nothing for one that is not known. */
  async getHistory(id: unknown, options: GetHistoryOptions): Promise<TransitionEntry[]> {
    const jobId = toObjectId('id', id);
    checkFields('options', options, { limit: integer(1, MOST_ENTRIES) });
    const { limit = DEFAULT_HISTORY_LIMIT } = options;
    return [...(await this.#context.ledger.readHistory({ jobId, limit }))];
  }

  /** Changes keys of a job's metadata, whatever state it is in; null when there is no such job. */
  async setMetadata(id: unknown, given: unknown, ready: () => Promise<void>): Promise<Job | null> {
    const jobId = toObjectId('id', id);
    const changes = copyMetadataChanges('changes', given);
    await ready();
    const { ledger, ledgerTime } = this.#context;
    const { outcome, job } = await ledger.setMetadata({ jobId, changes, now: ledgerTime.now() });
    if (outcome === 'full') throw metadataFull('changes');
    return job;
  }
}
