/**
 * What everything that is started and stopped keeps to, whatever it does between.
 */
import { describe, expect, test } from 'vitest';
import { type EngineContext, makeContext } from '../../src/context/scheduler-context.ts';
import { AwaitedClaims } from '../../src/engine/claiming/awaited-claims.ts';
import { Claimer } from '../../src/engine/claiming/claimer.ts';
import { Permits } from '../../src/engine/claiming/permits.ts';
import { Waker } from '../../src/engine/claiming/waker.ts';
import { Executor } from '../../src/engine/running/executor.ts';
import { Pauses } from '../../src/engine/running/pauses.ts';
import { RunEndings } from '../../src/engine/running/run-endings.ts';
import { Settler } from '../../src/engine/running/settler.ts';
import { Alerts } from '../../src/engine/upkeep/alerts.ts';
import { FlowUpkeep } from '../../src/engine/upkeep/flow-upkeep.ts';
import { GateTimeouts } from '../../src/engine/upkeep/gate-timeouts.ts';
import { Lease, type LeaseHooks } from '../../src/engine/upkeep/lease.ts';
import { OrderSweep } from '../../src/engine/upkeep/order-sweep.ts';
import { Pruner } from '../../src/engine/upkeep/pruner.ts';
import { Rescuer } from '../../src/engine/upkeep/rescuer.ts';
import { ServiceLoop } from '../../src/foundation/service-loop.ts';
import { Monque } from '../../src/index.ts';
import { InMemoryLedgerRepository } from '../../src/ledger/memory/in-memory-ledger-repository.ts';
import { resolveOptions } from '../../src/options/resolve-options.ts';
import { FaultyLedgerRepository } from '../../src/testing/faulty-ledger-repository.ts';
import { ManualClock } from '../../src/testing/index.ts';
import { gate, StagePlan, stage } from '../../src/workers/stages.ts';
import { Worker } from '../../src/workers/worker.ts';
import { NO_EVENTS } from './kit.ts';

/** Longer than any service waits between two rounds. */
const LONG_MS = 600_000;

interface Service {
  readonly start: () => unknown;
  readonly stop: () => Promise<void>;
}

interface World {
  readonly clock: ManualClock;
  readonly ledger: FaultyLedgerRepository;
  readonly context: EngineContext;
  readonly workers: ReadonlyMap<string, Worker>;
  /** How many calls the ledger was sent. */
  readonly calls: () => number;
  /** How many watches are open. */
  readonly watches: () => number;
  readonly liveLeases: () => Promise<number>;
}

const nothing = (): void => undefined;

async function makeWorld(): Promise<World> {
  const clock = new ManualClock();
  let sent = 0;
  let open = 0;
  const kept = new InMemoryLedgerRepository({ clock });
  const ledger = new FaultyLedgerRepository(kept, {
    clock,
    chooseFault: () => {
      sent += 1;
      return undefined;
    },
  });
  const watch = ledger.watch.bind(ledger);
  ledger.watch = async (listener) => {
    const watched = await watch(listener);
    open += 1;
    return {
      ...watched,
      close: () => {
        open -= 1;
        return watched.close();
      },
    };
  };
  const options = resolveOptions({
    clock,
    alerts: { clockError: 1_000, queueLag: 1_000 },
    jobRetention: { completed: 60_000 },
  });
  const context = makeContext({ ledger, options }, NO_EVENTS);
  await context.ready();
  const plan = new StagePlan({ stages: [gate('open', { timeout: 1_000 }), stage('do', nothing)] });
  const workers = new Map([['work', new Worker('work', plan, {}, context.options)]]);
  const liveLeases = async (): Promise<number> => {
    const leases = await kept.readLeases();
    return leases.filter(({ status }) => status === 'live').length;
  };
  const counts = { calls: () => sent, watches: () => open, liveLeases };
  return { clock, ledger, context, workers, ...counts };
}

const LEASE_HOOKS: Omit<LeaseHooks, 'describe'> = {
  onRenewed: nothing,
  onRefused: nothing,
  onTurn: nothing,
};

function makeLease({ context }: World): Lease {
  const startedAt = context.ledgerTime.now();
  const describeIt = () => ({
    ...{ version: '1', host: 'host', pid: 1, startedAt, reportedAt: startedAt },
    ...{ workers: [], unnamedWorkers: 0, runningJobs: 0, bufferedJobs: 0 },
    recoverStaleJobs: true,
  });
  return new Lease(context, { ...LEASE_HOOKS, describe: describeIt });
}

function makeClaimer(world: World): Claimer {
  const { context, workers } = world;
  const endings = new RunEndings(context, {
    onPending: nothing,
    onSettled: nothing,
    onGone: nothing,
    halts: () => false,
  });
  const settler = new Settler(context, endings, nothing);
  const executor = new Executor(context, workers, settler, {
    mayStart: () => true,
    pauseState: () => 'running',
    onDemand: nothing,
    onBackOff: nothing,
    addToFlow: async () => ({}),
  });
  const pauses = new Pauses(context, nothing);
  const awaited = new AwaitedClaims();
  const lease = makeLease(world);
  const permits = new Permits(context, workers, {
    instanceId: () => lease.instanceId,
    mayClaim: () => true,
    onRoom: nothing,
  });
  const parts = { workers, executor, settler, lease, pauses, permits, awaited };
  const hooks = { onRound: nothing, onStartsLater: nothing, hintsRest: () => false };
  return new Claimer(context, { ...parts, ...hooks });
}

/** Each with how it is started and stopped. */
const SERVICES: Readonly<Record<string, (world: World) => Service>> = {
  loop: ({ clock, context }) =>
    new ServiceLoop({
      clock,
      round: async () => {
        await context.ledger.readLeases();
        return 1_000;
      },
      onFailed: () => 1_000,
    }),
  lease: (world) => {
    const lease = makeLease(world);
    return { start: () => lease.open(), stop: () => lease.close() };
  },
  waker: ({ context, workers }) =>
    new Waker(context, workers, {
      wake: nothing,
      onDue: nothing,
      onCancelRequested: nothing,
      onPausesChanged: nothing,
      onLimitsChanged: nothing,
      onCancelsUnknown: nothing,
    }),
  claimer: (world) => {
    const claimer = makeClaimer(world);
    return { start: () => claimer.wake('poll'), stop: () => claimer.stop() };
  },
  permits: ({ context }) => {
    const limited = new Worker('work', nothing, { limit: { concurrency: 1 } }, context.options);
    const permits = new Permits(context, new Map([['work', limited]]), {
      ...{ instanceId: () => 'own', mayClaim: () => true, onRoom: nothing },
    });
    const start = (): void => {
      permits.start();
      permits.allowed({ drained: new Set() }, [{ name: 'work', limit: 1 }]);
      permits.changed();
    };
    return { start, stop: () => permits.stop() };
  },
  rescuer: ({ context }) =>
    new Rescuer(context, () => 'own', { onRescued: nothing, onDead: nothing }),
  pruner: ({ context }) => new Pruner(context),
  'gate timeouts': ({ context, workers }) =>
    new GateTimeouts(context, workers, { onPending: nothing, onFailed: nothing }),
  'flow upkeep': ({ context }) => new FlowUpkeep(context, nothing),
  'order sweep': ({ context }) => {
    const ordered = new Worker('ordered', nothing, { order: {} }, context.options);
    const sweep = new OrderSweep(context, new Map([['ordered', ordered]]), async () => undefined);
    return { start: () => sweep.look(), stop: () => sweep.stop() };
  },
  alerts: ({ context }) => {
    const sources = { busyNames: () => ['work'], longestUnsettledMs: () => 0 };
    const alerts = new Alerts(context, sources);
    return { start: () => alerts.look(), stop: () => alerts.stop() };
  },
  scheduler: ({ ledger, clock }) => {
    const monque = new Monque(ledger, { clock });
    monque.worker('work', nothing);
    return { start: () => monque.start(), stop: () => monque.stop() };
  },
};

describe.each(Object.entries(SERVICES))('the %s', (name, make) => {
  /** Nothing is left of it, and nothing comes any more. */
  async function expectNothingLeft(world: World): Promise<void> {
    const { clock, calls, watches, liveLeases } = world;
    expect(clock.pendingTimers).toBe(0);
    const before = calls();
    await clock.advance(LONG_MS);
    expect(calls()).toBe(before);
    expect([watches(), await liveLeases()]).toEqual([0, 0]);
  }

  async function started(): Promise<World & { readonly service: Service }> {
    const world = await makeWorld();
    const service = make(world);
    const before = world.calls();
    await service.start();
    await world.clock.advance(LONG_MS);
    expect(world.calls()).toBeGreaterThan(before);
    return { ...world, service };
  }

  test('stops without a start', async () => {
    const world = await makeWorld();
    const before = world.calls();
    await make(world).stop();
    await expectNothingLeft(world);
    expect(world.calls()).toBe(before);
  });

  test('may be stopped twice, at once and later', async () => {
    const { service, ...world } = await started();
    await Promise.all([service.stop(), service.stop()]);
    await service.stop();
    await expectNothingLeft(world);
  });

  test('stops while it starts', async () => {
    const world = await makeWorld();
    const service = make(world);
    const starting = service.start();
    const stopping = service.stop();
    await world.clock.settle();
    await Promise.all([starting, stopping]);
    await expectNothingLeft(world);
  });

  test('stops while the ledger is silent about its start', async () => {
    const world = await makeWorld();
    const service = make(world);
    for (const verb of ['openLease', 'claim', 'readLeases', 'nextDue'] as const) {
      world.ledger.plan(verb, { delayBeforeMs: 100 });
    }
    const starting = service.start();
    await world.clock.settle();
    const stopping = service.stop();
    await world.clock.advance(1_000);
    await Promise.all([starting, stopping]);
    await expectNothingLeft(world);
  });

  if (name !== 'scheduler') {
    test('does not start when it was stopped before', async () => {
      const world = await makeWorld();
      const service = make(world);
      await service.stop();
      const before = world.calls();
      await service.start();
      await expectNothingLeft(world);
      expect(world.calls()).toBe(before);
    });

    test('does not start again after a stop', async () => {
      const { service, ...world } = await started();
      await service.stop();
      await service.start();
      await expectNothingLeft(world);
    });
  }
});
