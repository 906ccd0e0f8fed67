import { lifecycle } from 'virtual:lifecycle';
import type { HistoryEntryOfJob, JobDetails } from '../../../src/api/types.ts';

/** The moves between two states: the verbs that do it. */
export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly verbs: readonly string[];
  /** Those by which the job went here, as far as that is on record. */
  readonly taken: readonly string[];
}

/** Every edge of the machine, from the table of transitions; those that stay in a state are left out. */
export function edgesOf(job: JobDetails, entries: readonly HistoryEntryOfJob[]): readonly Edge[] {
  const taken = takenBy(job, entries);
  const edges = new Map<string, { from: string; to: string; verbs: string[] }>();
  for (const { verb, from, to } of lifecycle.rows) {
    for (const state of from) {
      if (to === state || !lifecycle.states.includes(to)) continue;
      const key = `${state} ${to}`;
      const edge = edges.get(key) ?? { from: state, to, verbs: [] };
      edge.verbs.push(verb);
      edges.set(key, edge);
    }
  }
  return [...edges.values()].map((edge) => ({
    ...edge,
    taken: edge.verbs.filter((verb) => taken.has(`${edge.from} ${verb}`)),
  }));
}

/** The states that the job was in, as far as that is on record. */
export function statesOf(job: JobDetails, edges: readonly Edge[]): ReadonlySet<string> {
  const states = new Set<string>([lifecycle.initial, job.status]);
  for (const { from, to, taken } of edges) {
    if (taken.length > 0) states.add(from).add(to);
  }
  return states;
}

/** Each move as `from verb`. */
function takenBy(job: JobDetails, entries: readonly HistoryEntryOfJob[]): ReadonlySet<string> {
  const taken = new Set<string>();
  for (const { verb, from } of entries) {
    const row = lifecycle.rows.find((candidate) => candidate.verb === verb);
    // Without a log of all transitions an entry does not say where it began.
    const start = from ?? (row?.from.includes('processing') ? 'processing' : row?.from[0]);
    if (start !== undefined) taken.add(`${start} ${verb}`);
  }
  if (job.fence > 0) taken.add('pending claim');
  // A run that went well, and the way to a gate, are noted in the state alone.
  if (job.status === 'completed') taken.add('processing complete');
  if (job.status === 'blocked') taken.add('processing block');
  return taken;
}
