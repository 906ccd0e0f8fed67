/**
 * What a scheduler measured, its ledger's part included, as one value that does not change afterwards.
 *
 * @module
 */
import type { Health } from '../context/health.ts';
import type { EngineContext } from '../context/scheduler-context.ts';
import type { GaugeName } from '../telemetry/metric-catalogue.ts';
import type { MetricsReading } from '../telemetry/metrics.ts';

/** What {@link MonquePublicAPI.metrics} answers. */
export interface MetricsSnapshot extends MetricsReading {
  /** Values of this moment. */
  readonly gauges: Readonly<Record<GaugeName, number>>;
}

/** Reads everything that was measured. */
export function snapshotOf(
  { metrics, ledger, ledgerTime }: Pick<EngineContext, 'metrics' | 'ledger' | 'ledgerTime'>,
  health: Health,
): MetricsSnapshot {
  const { counters, histograms } = metrics.read();
  const { ledgerErrors, ledgerCallMs, violations, ruleMs } = ledger.metrics();
  const candidates = metrics.total('claimCandidates');
  return Object.freeze({
    counters: Object.freeze({ ...counters, ledgerErrors, violations }),
    histograms: Object.freeze({ ...histograms, ledgerCallMs, ruleMs }),
    gauges: Object.freeze({
      queueLagMs: health.queueLagMs,
      claimWinRate: candidates === 0 ? 1 : metrics.total('claimed') / candidates,
      runningJobs: health.runningJobs,
      bufferedJobs: health.bufferedJobs,
      unsettledJobs: health.unsettledJobs,
      clockErrorMs: ledgerTime.clockErrorMs,
    }),
  });
}
