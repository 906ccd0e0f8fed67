/** The jobs of simulated flows: how they are numbered, and what each does beside its task. */

import type { Job, JobContext } from '../../../src/index.ts';
import type { FlowEdges } from '../../../src/job/flow-graph.ts';
import { type Task, taskOf } from '../facts.ts';
import type { Machine } from '../machine.ts';
import type { Observer } from '../observer.ts';

/** The name of the jobs of flows. */
export const FLOW_NAME = 'step';

/** The most jobs that a flow is stored with. */
export const MOST_JOBS = 8;

const FIRST_NUMBER = 7_000_000;
const NUMBERS_A_FLOW = 100;
/** From here on the numbers of a flow are those of jobs that were added to it. */
const FIRST_ADDED = 50;
const MOST_ADDED = 3;

/** One call that stores a flow. */
export interface FlowCall {
  /** The parents of each job, by what the jobs are called. */
  readonly edges: FlowEdges;
  readonly machine: Machine;
  answer?: 'enqueued' | 'existing' | 'failed' | 'unknown';
}

/** The number of a job that a flow is stored with. */
export function numberOf(flow: number, place: number): number {
  return FIRST_NUMBER + flow * NUMBERS_A_FLOW + place;
}

/** What a job of a flow is called. */
export function refOf(place: number): string {
  return `j${place}`;
}

/** Where a job stands, by its number: undefined for one of no flow. */
export function placeOf({
  number,
}: Pick<Task, 'number'>):
  | { readonly flow: number; readonly ref: string; readonly addedBy?: string }
  | undefined {
  if (number < FIRST_NUMBER || number >= 2 * FIRST_NUMBER) return undefined;
  const place = (number - FIRST_NUMBER) % NUMBERS_A_FLOW;
  const flow = Math.floor((number - FIRST_NUMBER) / NUMBERS_A_FLOW);
  if (place < FIRST_ADDED) return { flow, ref: refOf(place) };
  const adder = Math.floor((place - FIRST_ADDED) / MOST_ADDED);
  return { flow, ref: `${refOf(adder)}+${place}`, addedBy: refOf(adder) };
}

/** What a job of a flow returns. */
export function resultInFlow(job: Job): unknown {
  return { number: taskOf(job).number };
}

/** Adds the jobs that its task says, and reads what its parents returned. */
export async function workInFlow(observer: Observer, job: Job, context: JobContext): Promise<void> {
  const task = taskOf(job);
  const count = task.adds ?? 0;
  if (count > 0) {
    const added = Array.from({ length: count }, (_, index) => addedTask(task, index));
    await context.addToFlow(
      Object.fromEntries(added.map((data) => [`x${data.number}`, { name: FLOW_NAME, data }])),
    );
    observer.flowAdded(added.map(({ number }) => number));
  }
  if (!task.readsParents) return;
  const completed = observer.completedOf(job);
  observer.parentsRead(job, completed, await context.parentResults());
}

function addedTask({ number, runMs }: Task, index: number): Task {
  const place = (number - FIRST_NUMBER) % NUMBERS_A_FLOW;
  const own = number - place + FIRST_ADDED + place * MOST_ADDED + index;
  return {
    number: own,
    kind: index === 0 ? 'flaky' : 'working',
    runMs,
    failures: 1,
    heedsSignal: true,
  };
}
