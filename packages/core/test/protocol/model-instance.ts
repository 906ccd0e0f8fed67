/** One instance in one process: the parts wired as the engine wires them. */
import { Claimer } from './model-claimer.ts';
import { Enqueuer } from './model-enqueuer.ts';
import { Executor } from './model-executor.ts';
import { LeaseKeeper, Reconciler } from './model-lease.ts';
import { Rescuer } from './model-rescuer.ts';
import { Settler } from './model-settler.ts';
import { ClaimMemory, type World } from './model-world.ts';
import type { VirtualProcess } from './virtual-scheduler.ts';

export class ModelInstance {
  readonly process: VirtualProcess;
  readonly enqueuer: Enqueuer;
  readonly #memory = new ClaimMemory();

  constructor(world: World, process: VirtualProcess) {
    this.process = process;
    const memory = this.#memory;
    const settler = new Settler(world, process, memory);
    const reconciler = new Reconciler(world, process, memory);
    const lease: LeaseKeeper = new LeaseKeeper({
      world,
      process,
      onRenewed: () => {
        executor.pump();
        // Beside the renewals, never in their way.
        if (lease.current !== undefined) process.spawn(reconciler.run(lease.current.id));
      },
      onRefused: () => executor.abortAll(),
    });
    const executor = new Executor({
      world,
      process,
      memory,
      lease,
      settle: (held, verb) => settler.push(held, verb),
    });
    const onClaimed = () => executor.pump();
    const claimer = new Claimer({ world, process, memory, lease, onClaimed });
    this.enqueuer = new Enqueuer(world, process);
    for (const task of [lease.run(), claimer.run(), settler.run(), settler.run()]) {
      process.spawn(task);
    }
    process.spawn(new Rescuer(world, process).run());
  }

  /** Nothing begun and not yet ended in this process. */
  get isIdle(): boolean {
    const isQuiet = this.#memory.held.size === 0 && this.#memory.awaited.size === 0;
    return isQuiet && this.enqueuer.openCalls === 0;
  }
}
