/** Flows: random graphs of jobs, whose parents fail, are cancelled and redriven, and add jobs while they run. */
import type { ObjectId } from 'mongodb';
import { UnknownOutcomeError } from '../../../src/foundation/errors.ts';
import type { Job } from '../../../src/index.ts';
import type { FlowEdge } from '../../../src/job/flow-graph.ts';
import type { FlowJob } from '../../../src/options/flow-options.ts';
import type { Host } from '../host.ts';
import { endRule, parentRule, placeRule, releaseRule } from '../rules/flow-rules.ts';
import { FLOW_NAME, type FlowCall, MOST_JOBS, numberOf, refOf } from './flow-work.ts';
import { drawRunOptions, drawTask } from './one-off-jobs.ts';
import { type Feature, LAST_WORDS_MS, pickHost, type Users } from './users.ts';

const LONGEST_STEP_MS = 300;
const MOST_PARENTS = 3;
const KEYS = ['a', 'b'];
const AGAIN_AFTER_MS = 500;
const FAILED = new Set(['failed', 'cancelled']);

/** Flows. */
export const flows: Feature = {
  plan(users) {
    const { world, chance, profile } = users;
    if (profile.flows === 0) return;
    const ids: ObjectId[] = [];
    for (let flow = 0; flow < profile.flows; flow += 1) {
      const graph = drawGraph(users, flow);
      const uniqueKey = chance.happens(0.2) ? chance.pick(KEYS) : undefined;
      world.in(chance.fraction() * profile.faultyMs, () => {
        const host = pickHost(users);
        if (host) void store(users, host, { flow, ...graph, uniqueKey }, ids);
      });
    }
    const act = (count: number, call: (host: Host, id: ObjectId) => Promise<unknown>): void => {
      for (let index = 0; index < count; index += 1) {
        world.in(chance.fraction() * profile.faultyMs, () => {
          const host = pickHost(users);
          // That a verb was not answered is for the caller to know.
          if (host && ids.length > 0) call(host, chance.pick(ids)).catch(() => undefined);
        });
      }
    };
    act(profile.flows / 4, (host, id) => host.call((monque) => monque.cancelFlow(id)));
    act(profile.flows / 2, (host, id) => host.call((monque) => monque.redriveFlow(id)));
    world.in(profile.faultyMs + LAST_WORDS_MS, () => giveUpForGood(users));
  },
  rules: [releaseRule, parentRule, placeRule, endRule],
};

interface Graph {
  readonly edges: FlowCall['edges'];
  readonly jobs: Readonly<Record<string, FlowJob>>;
}

function drawGraph(users: Users, flow: number): Graph {
  const { chance } = users;
  const size = chance.between(2, MOST_JOBS);
  const edges = new Map<string, readonly FlowEdge[]>();
  const jobs: Record<string, FlowJob> = {};
  for (let place = 0; place < size; place += 1) {
    const earlier = Array.from({ length: place }, (_, index) => refOf(index));
    const parents = earlier
      .filter(() => chance.happens(0.5))
      .slice(-MOST_PARENTS)
      .map((ref): FlowEdge => {
        return { ref, onFailure: chance.pick(['fail', 'fail', 'wait', 'continue', 'continue']) };
      });
    const drawn = drawTask(users, numberOf(flow, place));
    const task = {
      ...drawn,
      runMs: Math.min(drawn.runMs, LONGEST_STEP_MS),
      ...(chance.happens(0.2) && { adds: chance.between(1, 2) }),
      ...(chance.happens(0.4) && { readsParents: true }),
    };
    edges.set(refOf(place), parents);
    const options = drawRunOptions(chance);
    jobs[refOf(place)] = { name: FLOW_NAME, data: task, after: parents, options };
  }
  return { edges, jobs };
}

async function store(
  { observer }: Users,
  host: Host,
  {
    flow,
    edges,
    jobs,
    uniqueKey,
  }: Graph & { readonly flow: number; readonly uniqueKey: string | undefined },
  ids: ObjectId[],
): Promise<void> {
  const call: FlowCall = { edges, machine: host.machine };
  observer.facts.flowCalls.set(flow, call);
  try {
    const options = uniqueKey === undefined ? {} : { uniqueKey };
    const { id, status } = await host.call((monque) => monque.enqueueFlow({ jobs }, options));
    ids.push(id);
    observer.flowAnswered(flow, status);
  } catch (error) {
    observer.flowAnswered(flow, error instanceof UnknownOutcomeError ? 'unknown' : 'failed');
  }
}

/** In the end nobody waits for a parent that has failed and is not retried. */
function giveUpForGood(users: Users): void {
  const jobs = [...users.observer.facts.jobs.values()];
  for (const job of jobs) {
    if (job.status !== 'blocked' || !waitsInVain(job, jobs)) continue;
    pickHost(users)
      ?.call((monque) => monque.cancelJob(job._id))
      .catch(() => undefined);
  }
  users.world.in(AGAIN_AFTER_MS, () => giveUpForGood(users));
}

function waitsInVain({ waitsFor = [] }: Job, jobs: readonly Job[]): boolean {
  const tokens = waitsFor.filter((token) => token.startsWith('w:'));
  return jobs.some(
    ({ feeds = [], status }) => FAILED.has(status) && feeds.some((token) => tokens.includes(token)),
  );
}
