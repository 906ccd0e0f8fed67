/** What happened in a run, line by line, for people to read. */
import type { RunResult } from './simulation.ts';
import type { World } from './world.ts';

/** One thing that happened. */
export interface TraceLine {
  readonly atMs: number;
  readonly step: number;
  readonly who: string;
  readonly what: string;
}

/** Notes what happens, when somebody wants to know. */
export class Trace {
  readonly isOn: boolean;
  readonly lines: TraceLine[] = [];
  readonly #world: World;

  constructor(world: World, isOn: boolean) {
    this.#world = world;
    this.isOn = isOn;
  }

  /** Costs next to nothing while nobody wants to know. */
  note(who: string, tell: () => string): void {
    if (!this.isOn) return;
    this.lines.push({ atMs: this.#world.nowMs, step: this.#world.steps, who, what: tell() });
  }
}

/** What concerns everybody: who came, went and stood still, and what the network did. */
const INCIDENT =
  /^(crashes|pauses|is suspended|is told to stop|has started|has stopped|cuts|works|declares|ends|broken)\b/;

/**
 * A run as a text: what was broken, what befell the job it is about and the instances, and the last that happened,
 * the newest line last.
 */
export function printStory({ seed, violations, trace, profile }: RunResult, most = 40): string {
  const broken = violations.map(
    ({ atMs, rule, detail }) => `${atMs.toFixed(1)}: ${rule}: ${detail}`,
  );
  const jobs = violations.flatMap(({ detail }) => detail.match(/job \d+/) ?? []);
  const ofJob = new RegExp(jobs.map((job) => `${job}\\b`).join('|') || INCIDENT.source);
  const telling = trace.filter(({ what }) => ofJob.test(what) || INCIDENT.test(what));
  return [
    `Seed ${seed}, ${JSON.stringify(profile)}`,
    ...telling.slice(-most).map(printLine),
    '... and the last of all:',
    ...trace.slice(-most).map(printLine),
    ...broken,
  ].join('\n');
}

function printLine({ atMs, who, what }: TraceLine): string {
  return `${atMs.toFixed(1).padStart(9)} ${who.padEnd(8)} ${what}`;
}
