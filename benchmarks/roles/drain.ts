/**
 * Works off a queue. The process that is told to fill it does so before it says that it is ready, so that everybody
 * starts on the same full queue; the clock runs from the word `go`.
 *
 * @module
 */
import { jobsFrom, type System } from '../adapter.ts';
import { param, type Role, type RoleContext, sharedNowNs } from './role.ts';

const NOTE_EVERY_MS = 20;
const ASK_EVERY_MS = 5;
const MOST_AT_ONCE = 100_000;

/** How far this process is. */
export interface DrainNote {
  readonly started: number;
  readonly recorded: number;
  /** When the last run was recorded, or the target reached. */
  readonly atNs: number;
  /** Microseconds of this process from the word `go` until then. */
  readonly cpuUs: number;
}

/** `fill` jobs are stored first; `target` is how many have to be recorded by all processes together. */
export const drain: Role = async (context) => {
  const { place, params, link } = context;
  const system = await context.open(place);
  await fill(system, param(params, 'fill'));
  const before = system.counts?.();
  const progress = new Progress(context);
  link.note({ ready: true, reportsEnds: system.reportsEnds });
  await link.receive();
  progress.begin();
  await system.work(progress);
  for (;;) {
    const word = await link.receive();
    if (word === 'end') break;
    await untilUnfinished(system, Number(word));
    progress.note();
  }
  progress.end();
  const after = system.counts?.();
  const unfinished = await system.countUnfinished();
  const countedNs = sharedNowNs();
  await system.close();
  return {
    unfinished,
    countedNs,
    ...(before &&
      after && {
        commands: after.commands - before.commands,
        claimAttempts: after.claimAttempts - before.claimAttempts,
      }),
  };
};

async function fill(system: System, count: number): Promise<void> {
  for (let at = 0; at < count; at += MOST_AT_ONCE) {
    const jobs = jobsFrom(at, Math.min(MOST_AT_ONCE, count - at));
    await (system.fill?.(jobs) ?? system.enqueueMany(jobs));
  }
}

/** The end of those systems that do not report it. */
async function untilUnfinished(system: System, most: number): Promise<void> {
  while ((await system.countUnfinished()) > most) {
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
}

class Progress {
  readonly #link: RoleContext['link'];
  readonly #target: number;
  #started = 0;
  #recorded = 0;
  #noted = 0;
  #recordedAtNs = 0;
  #cpu = process.cpuUsage();
  #timer: NodeJS.Timeout | undefined;

  constructor({ link, params }: RoleContext) {
    this.#link = link;
    this.#target = param(params, 'target');
  }

  begin(): void {
    this.#cpu = process.cpuUsage();
    this.#timer = setInterval(() => {
      if (this.#started + this.#recorded > this.#noted) this.note();
    }, NOTE_EVERY_MS);
  }

  started(): void {
    this.#started += 1;
  }

  recorded(count: number): void {
    const isReached = this.#recorded < this.#target && this.#recorded + count >= this.#target;
    this.#recorded += count;
    this.#recordedAtNs = sharedNowNs();
    if (isReached) this.note();
  }

  note(): void {
    this.#noted = this.#started + this.#recorded;
    const { user, system } = process.cpuUsage(this.#cpu);
    const note: DrainNote = {
      started: this.#started,
      recorded: this.#recorded,
      atNs: this.#recordedAtNs || sharedNowNs(),
      cpuUs: user + system,
    };
    this.#link.note({ ...note });
  }

  end(): void {
    clearInterval(this.#timer);
    this.note();
  }
}
