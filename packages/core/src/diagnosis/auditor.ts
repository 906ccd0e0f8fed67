/**
 * Looks at every stored job with the rules of the ledger, a page at a time, and repairs what can be repaired.
 *
 * What always holds: a job that changed since it was read is not repaired; the next audit sees it as it is then. The
 * state of a job is never changed. A job that the ledger refuses to change is left as it is. Jobs in the archive are not
 * looked at.
 *
 * @module
 */
import type { ObjectId } from 'mongodb';
import type { EngineContext } from '../context/scheduler-context.ts';
import { checkFields, checkFunction, integer, oneOf } from '../foundation/argument-checks.ts';
import { MonqueError } from '../foundation/errors.ts';
import type { Job, JobStatus } from '../job/job.ts';
import type { JobFinding } from '../ledger/rules/rules.ts';
import { checkSignal } from '../options/manual-verb-options.ts';

/** How many jobs an audit reads at once when nothing else is said. */
const DEFAULT_AUDIT_BATCH = 500;

const LARGEST_BATCH = 5_000;
const MOST_FINDINGS = 1_000;

/** How jobs are audited. */
export interface AuditOptions {
  /** Repair what can be repaired. @default false: it is only reported */
  readonly repair?: boolean;
  /** How many jobs are read at once, from 1 to 5000. @default 500 */
  readonly batchSize?: number;
  /** Called after each batch with what is known so far, and waited for. What it throws ends the audit. */
  readonly onProgress?: (report: AuditReport) => void | Promise<void>;
  /** Ends the audit after the batch that is under way. */
  readonly signal?: AbortSignal;
}

/** A stored job that breaks a rule. */
export interface AuditFinding {
  readonly rule: string;
  readonly jobId: ObjectId;
  readonly name: string;
  readonly status: JobStatus;
  readonly message: string;
  readonly values: Readonly<Record<string, unknown>>;
  /** How to repair it; absent where the rule does not say. */
  readonly advice?: string;
  /** True when this audit repaired it. */
  readonly isRepaired: boolean;
}

/** What an audit found. */
export interface AuditReport {
  /** Jobs that were looked at. */
  readonly audited: number;
  /** How often each rule was broken; a rule that was not is left out. */
  readonly violations: Readonly<Record<string, number>>;
  /** How many of these were repaired. */
  readonly repaired: number;
  /** The first 1000. */
  readonly findings: readonly AuditFinding[];
  /** True when all jobs were looked at; false when the audit was ended before. */
  readonly isComplete: boolean;
}

type AuditContext = Pick<EngineContext, 'ledger' | 'ledgerTime' | 'ready' | 'report'>;

/** Audits jobs. */
export class Auditor {
  readonly #context: AuditContext;

  constructor(context: AuditContext) {
    this.#context = context;
  }

  /**
   * Looks at all jobs.
   *
   * @throws InvalidArgumentError when an option is wrong
   */
  async audit(options: AuditOptions): Promise<AuditReport> {
    checkFields('options', options, {
      repair: oneOf(true, false),
      batchSize: integer(1, LARGEST_BATCH),
      onProgress: checkFunction,
      signal: checkSignal,
    });
    await this.#context.ready();
    const { batchSize: limit = DEFAULT_AUDIT_BATCH, repair = false, signal } = options;
    const audit = new Audit(this.#context, repair);
    const order = { orderBy: '_id', direction: 'ascending' } as const;
    // As the rules see them before they are written; and what is repaired is written as it was read.
    const page = { ...order, filter: {}, limit, asStored: true };
    let last: Job | undefined;
    while (signal?.aborted !== true) {
      const after = last && { jobId: last._id };
      const jobs = await this.#context.ledger.findJobs({ ...page, ...(after && { after }) });
      for (const job of jobs) await audit.look(job);
      last = jobs.at(-1);
      const isComplete = jobs.length < limit;
      await options.onProgress?.(audit.report(isComplete));
      if (isComplete) return audit.report(true);
    }
    return audit.report(false);
  }
}

/** One audit. */
class Audit {
  readonly #context: AuditContext;
  readonly #mayRepair: boolean;
  readonly #violations = new Map<string, number>();
  readonly #findings: AuditFinding[] = [];
  #audited = 0;
  #repaired = 0;

  constructor(context: AuditContext, mayRepair: boolean) {
    this.#context = context;
    this.#mayRepair = mayRepair;
  }

  async look(job: Job): Promise<void> {
    this.#audited += 1;
    let seen = job;
    for (const finding of this.#context.ledger.inspectJob(job)) {
      const repaired = await this.#repairOne(seen, finding);
      seen = repaired ?? seen;
      this.#note(job, finding, repaired !== undefined);
    }
  }

  report(isComplete: boolean): AuditReport {
    return Object.freeze({
      audited: this.#audited,
      violations: Object.fromEntries(this.#violations),
      repaired: this.#repaired,
      findings: [...this.#findings],
      isComplete,
    });
  }

  /** The job as it is then; undefined when it was left as it was. */
  async #repairOne(
    { _id: jobId, status, fence, updatedAt }: Job,
    { rule, breach }: JobFinding,
  ): Promise<Job | undefined> {
    const { ledger, ledgerTime, report } = this.#context;
    const { repair: changes } = breach;
    if (!this.#mayRepair || changes === undefined) return undefined;
    const seen = { status, fence, updatedAt };
    try {
      const { outcome, job } = await ledger.repair({
        ...{ jobId, seen, changes, rule },
        now: ledgerTime.now(),
      });
      return outcome === 'repaired' && job !== null ? job : undefined;
    } catch (error) {
      // The others are still to be looked at.
      if (!(error instanceof MonqueError) || error.code !== 'LEDGER_REFUSED') throw error;
      report(error);
      return undefined;
    }
  }

  #note(
    { _id: jobId, name, status }: Job,
    { rule, breach }: JobFinding,
    isRepaired: boolean,
  ): void {
    this.#violations.set(rule, (this.#violations.get(rule) ?? 0) + 1);
    if (isRepaired) this.#repaired += 1;
    if (this.#findings.length === MOST_FINDINGS) return;
    const { message, values = {}, advice } = breach;
    const said = { rule, jobId, name, status, message, values, isRepaired };
    this.#findings.push({ ...said, ...(advice !== undefined && { advice }) });
  }
}
