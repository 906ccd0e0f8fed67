/**
 * Answers what concerns flows. The library keeps no list of them, so they are found by their jobs.
 *
 * @module
 */
import type { FlowInfo, Job, JobStatus } from '@monque/core';
import type { FlowAnswer, FlowGraphAnswer, FlowsAnswer } from '../api/types.ts';
import { flowGraph } from '../control/flow-graph.ts';
import { flowRow } from '../control/views.ts';
import type { Call, Handlers } from '../server/call.ts';
import { summaryOf } from '../server/job-views.ts';
import { notFound } from '../server/problems.ts';

const DEFAULT_WINDOW = 1_000;
const DEFAULT_FLOWS = 20;
const DEFAULT_PAGE = 100;
const MOST_IN_GRAPH = 10_000;

/** The looks at jobs that flows are found by: the newest of all, and the newest that tell of one which is not over. */
const LOOKS: readonly (readonly JobStatus[] | undefined)[] = [undefined, ['blocked'], ['failed']];

interface FlowsQuery {
  readonly window?: number;
  readonly after?: string;
  readonly limit?: number;
}

async function listFlows(call: Call): Promise<FlowsAnswer> {
  const { window = DEFAULT_WINDOW, after, limit = DEFAULT_FLOWS } = call.query as FlowsQuery;
  const pages = await Promise.all(
    LOOKS.map((status) =>
      call.monque.getJobsWithCursor({
        ...(status && { status }),
        ...{ orderBy: '_id', direction: 'descending', limit: window },
        timeout: call.server.timeoutMs,
      }),
    ),
  );
  const jobs = new Map(pages.flatMap((page) => page.jobs.map((job) => [String(job._id), job])));
  const ids = new Set([...jobs.values()].flatMap(({ flow }) => (flow ? [String(flow)] : [])));
  const sorted = [...ids].sort().reverse();
  const rest = sorted.filter((id) => after === undefined || id < after.toLowerCase());
  const shown = rest.slice(0, limit);
  const flows: FlowInfo[] = [];
  for (const id of shown) {
    const flow = await call.monque.getFlow(id, { limit: 1 });
    // The record of a flow may have left before the last of its jobs.
    if (flow !== null) flows.push(flow);
  }
  return {
    at: call.at,
    flows: flows.map((flow) => flowRow(flow, call.eyes)),
    examined: jobs.size,
    isComplete: pages[0]?.nextCursor === null,
    next: rest.length > limit ? (shown.at(-1) as string) : null,
  };
}

async function flowOf(call: Call, options: { readonly limit: number; readonly after?: string }) {
  const flow = await call.monque.getFlow(call.id, options);
  if (flow !== null) return flow;
  throw notFound('There is no flow with this id, or not any more');
}

async function getFlow(call: Call): Promise<FlowAnswer> {
  const { limit = DEFAULT_PAGE, after } = call.query as FlowsQuery;
  const flow = await flowOf(call, { limit, ...(after !== undefined && { after }) });
  return {
    at: call.at,
    flow: flowRow(flow, call.eyes),
    jobs: flow.jobs.map((job) => summaryOf(job, call.eyes)),
    next: flow.next === null ? null : String(flow.next),
  };
}

async function getFlowGraph(call: Call): Promise<FlowGraphAnswer> {
  await flowOf(call, { limit: 1 });
  const { jobs, nextCursor } = await call.monque.getJobsWithCursor({
    ...{ flow: call.id, orderBy: '_id', direction: 'ascending', limit: MOST_IN_GRAPH },
    timeout: call.server.timeoutMs,
  });
  const { redaction, actor } = call.eyes;
  const refOf = (job: Job): string => redaction.text(job.ref, 'ref', job, actor);
  const { nodes, edges, isCut } = flowGraph(jobs, refOf);
  const isComplete = nextCursor === null && !isCut;
  return { at: call.at, nodes, edges, examined: jobs.length, isComplete };
}

/** The handlers. */
export const FLOW_HANDLERS: Handlers<'listFlows' | 'getFlow' | 'getFlowGraph'> = {
  ...{ listFlows, getFlow, getFlowGraph },
};
