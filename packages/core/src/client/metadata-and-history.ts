/**
 * What is known of jobs beside their states: their metadata, changed manually, and their history.
 *
 * @module
 */
import type { EngineContext } from '../context/scheduler-context.ts';
import { checkFields, integer, toObjectId } from '../foundation/argument-checks.ts';
import type { Job } from '../job/job.ts';
import { copyMetadataChanges, metadataFull } from '../job/metadata.ts';
import type { TransitionEntry } from '../ledger/ledger-repository.ts';
import { type ManualVerbOptions, whyOf } from '../options/manual-verb-options.ts';

const DEFAULT_HISTORY_LIMIT = 1_000;
const MOST_ENTRIES = 10_000;

type RecordsContext = Pick<EngineContext, 'ledger' | 'ledgerTime'>;

/** Which part of a history is read. */
export interface GetHistoryOptions {
  /** The most entries, from 1 to 10000; of more the newest are given. @default 1000 */
  readonly limit?: number;
}

/** Metadata and histories. */
export class MetadataAndHistory {
  readonly #context: RecordsContext & Pick<EngineContext, 'ready'>;

  constructor(context: RecordsContext & Pick<EngineContext, 'ready'>) {
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
  async setMetadata(id: unknown, given: unknown, options: ManualVerbOptions): Promise<Job | null> {
    const jobId = toObjectId('id', id);
    const changes = copyMetadataChanges('changes', given);
    const why = whyOf(options);
    await this.#context.ready();
    const { ledger, ledgerTime } = this.#context;
    const now = ledgerTime.now();
    const { outcome, job } = await ledger.setMetadata({ jobId, changes, now, ...why });
    if (outcome === 'full') throw metadataFull('changes');
    return job;
  }
}
