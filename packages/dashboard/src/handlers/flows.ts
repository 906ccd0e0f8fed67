/**
 * Answers what concerns flows.
 *
 * @module
 */
import type { Job } from '@monque/core';
import type { FlowAnswer, FlowGraphAnswer, FlowsAnswer } from '../api/types.ts';
import { flowGraph } from '../control/flow-graph.ts';
import { flowRow } from '../control/views.ts';
import type { Call, Handlers } from '../server/call.ts';
import { summaryOf } from '../server/job-views.ts';
import { notFound } from '../server/problems.ts';

const DEFAULT_FLOWS = 20;
const DEFAULT_PAGE = 100;
const MOST_IN_GRAPH = 10_000;

interface FlowsQuery {
  readonly after?: string;
  readonly limit?: number;
}

async function listFlows(call: Call): Promise<FlowsAnswer> {
  const { after, limit = DEFAULT_FLOWS } = call.query as FlowsQuery;
  const listed = await call.monque.getFlows({
    limit: limit + 1,
    ...(after !== undefined && { after }),
  });
  const shown = listed.slice(0, limit);
  const flows = await Promise.all(shown.map(({ id }) => call.monque.getFlow(id, { limit: 1 })));
  return {
    at: call.at,
    // One whose last job was removed since has left with it.
    flows: flows.flatMap((flow) => (flow === null ? [] : [flowRow(flow, call.eyes)])),
    next: listed.length > limit ? String(shown.at(-1)?.id) : null,
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
