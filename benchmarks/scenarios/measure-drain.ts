/**
 * How long one or more processes take for a number of jobs of a full queue.
 *
 * @module
 */
import type { Agent } from '../agent.ts';
import type { DrainNote } from '../roles/drain.ts';
import { sharedNowNs } from '../roles/role.ts';
import type { Room } from '../room.ts';
import type { Figures } from './scenario.ts';

const LONGEST_MS = 15_000;
const SETTLE_MS = 200;

/** What is drained, by whom. */
export interface DrainPlan {
  /** Jobs in the queue. */
  readonly fill: number;
  /** Jobs after which the clock is stopped. @default all */
  readonly target?: number;
  /** Milliseconds after which the clock is stopped in any case. @default 15,000 */
  readonly longestMs?: number;
  /** @default 1 */
  readonly processes?: number;
  /** Called between the filling and the start of the work. */
  readonly onFilled?: () => Promise<void>;
}

/** Jobs a second, and what a job cost the client, the server and, when it is counted, the network. */
export async function measureDrain(room: Room, plan: DrainPlan): Promise<Figures> {
  const { fill, target = fill, processes = 1, longestMs = LONGEST_MS } = plan;
  const first = room.launch('drain', { fill, target: processes === 1 ? target : fill });
  const { reportsEnds } = await first.nextNote();
  const others = Array.from({ length: processes - 1 }, () =>
    room.launch('drain', { fill: 0, target: fill }),
  );
  await Promise.all(others.map((agent) => agent.nextNote()));
  const drained = new Drained([first, ...others], fill, target, reportsEnds === true);
  await pause(SETTLE_MS);
  await plan.onFilled?.();
  const serverBefore = room.server?.cpuMs() ?? 0;
  const startedNs = sharedNowNs();
  await drained.run(longestMs);
  const serverMs = (room.server?.cpuMs() ?? 0) - serverBefore;
  const results = await drained.end();
  const done = drained.isLate ? fill - Number(results[0]?.unfinished) : target;
  // A process that is kept busy hears the word late, and its jobs go on until then.
  const endedNs = drained.isLate ? Number(results[0]?.countedNs) : drained.lastNs;
  const tookNs = endedNs - startedNs;
  assertDone(room, plan, done, results);
  return {
    jobsPerSecond: (done / tookNs) * 1e9,
    clientUsAJob: drained.cpuUs / done,
    ...(room.server && { serverUsAJob: (serverMs * 1_000) / done }),
    ...countsOf(results, done),
  };
}

class Drained {
  readonly #agents: readonly Agent[];
  readonly #fill: number;
  readonly #target: number;
  readonly #reportsEnds: boolean;
  readonly #notes = new Map<Agent, DrainNote>();
  isLate = false;

  constructor(agents: readonly Agent[], fill: number, target: number, reportsEnds: boolean) {
    this.#agents = agents;
    this.#fill = fill;
    this.#target = target;
    this.#reportsEnds = reportsEnds;
  }

  /** Says `go`, and resolves when the target is reached or so many milliseconds are over. */
  run(longestMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.isLate = true;
        stop();
      }, longestMs);
      let isAsked = false;
      for (const agent of this.#agents) {
        agent.on('note', (note) => {
          this.#notes.set(agent, note as unknown as DrainNote);
          if (this.#reportsEnds ? this.#sum('recorded') >= this.#target : isAsked) stop();
          else if (!this.#reportsEnds && this.#sum('started') >= this.#target) {
            isAsked = true;
            this.#agents[0]?.send(`${this.#fill - this.#target}`);
          }
        });
        agent.result.catch(reject);
        agent.send('go');
      }
    });
  }

  async end(): Promise<Record<string, unknown>[]> {
    for (const agent of this.#agents) agent.send('end');
    return Promise.all(this.#agents.map((agent) => agent.result));
  }

  /** When the last of all runs was recorded. */
  get lastNs(): number {
    return Math.max(...[...this.#notes.values()].map(({ atNs }) => atNs));
  }

  get cpuUs(): number {
    return this.#sum('cpuUs');
  }

  #sum(field: 'started' | 'recorded' | 'cpuUs'): number {
    return [...this.#notes.values()].reduce((sum, note) => sum + note[field], 0);
  }
}

/** A rate of jobs that were not done would be worth nothing. */
function assertDone(
  { system }: Room,
  { fill, target = fill }: DrainPlan,
  done: number,
  results: readonly Record<string, unknown>[],
): void {
  const unfinished = Number(results[0]?.unfinished);
  if (done <= 0 || unfinished > fill - Math.min(done, target)) {
    throw new Error(
      `${system.label}: expected ${done} of ${fill} jobs done, ${unfinished} are not`,
    );
  }
}

function countsOf(results: readonly Record<string, unknown>[], done: number): Figures {
  const sum = (key: string): number =>
    results.reduce((total, result) => total + Number(result[key] ?? 0), 0);
  const commands = sum('commands');
  if (commands === 0) return {};
  return { commandsAJob: commands / done, claimAttemptsAJob: sum('claimAttempts') / done };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
