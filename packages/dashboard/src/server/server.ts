/**
 * What all requests of one dashboard share.
 *
 * @module
 */
import type { Actor, MonqueManagement } from '@monque/core';
import { LedgerSource } from '../ledgers/ledger-source.ts';
import { lookAtSteps, type SeenStep } from '../ledgers/step-views.ts';
import { lookAtTasks, type SeenTasks } from '../ledgers/task-views.ts';
import { type DashboardOptions, DEFAULT_TIMEOUT } from '../options.ts';
import { Activity } from './activity.ts';
import { Live } from './live.ts';
import { Operations } from './operations.ts';
import { Redaction } from './redaction.ts';
import { SnapshotSource } from './snapshot.ts';
import { StatsCache } from './stats-cache.ts';

/** The ledgers that were handed in. */
interface LedgerSources {
  readonly verification?: LedgerSource<readonly SeenStep[]>;
  readonly coordination?: LedgerSource<SeenTasks>;
}

/** The parts of one dashboard. */
export class Server {
  readonly options: DashboardOptions;
  readonly title: string;
  readonly names: readonly string[];
  readonly timeoutMs: number;
  readonly redaction: Redaction;
  readonly snapshots: SnapshotSource;
  readonly activity: Activity = new Activity();
  readonly operations: Operations;
  readonly live: Live;
  readonly stats: StatsCache = new StatsCache();
  readonly ledgers: LedgerSources;

  constructor(options: DashboardOptions) {
    const { monque, title = 'Monque', names = [], timeout = DEFAULT_TIMEOUT } = options;
    this.options = options;
    this.title = title;
    this.names = [...names];
    this.timeoutMs = timeout;
    this.redaction = new Redaction(options.redact);
    this.snapshots = new SnapshotSource(monque);
    this.operations = new Operations();
    this.live = new Live(this);
    const { verification, coordination } = options.ledgers ?? {};
    this.ledgers = {
      ...(verification && { verification: new LedgerSource(() => lookAtSteps(verification)) }),
      ...(coordination && { coordination: new LedgerSource(() => lookAtTasks(coordination)) }),
    };
  }

  /** The verbs as an actor may use them. */
  as(actor: Actor): MonqueManagement {
    return this.options.monque.as(actor) as MonqueManagement;
  }

  /** True when this actor may change nothing here. */
  isReadOnly(actor: Actor): boolean {
    const { readOnly = false } = this.options;
    return typeof readOnly === 'function' ? readOnly(actor) !== false : readOnly;
  }

  /** Reports an error to the host, and never harms it. */
  report(error: unknown): void {
    try {
      this.options.onError?.(error);
    } catch {
      // A listener that fails has nobody to report to.
    }
  }
}
