/**
 * What waits for what in a flow, made small enough to be looked at.
 *
 * Jobs of one name with the same parents and the same children are one node; where that leaves too many, jobs of one name
 * on one level are. A token stands for a set of parents and those that wait for all of them, so nothing grows with the
 * product of the two.
 *
 * @module
 */
import type { Job } from '@monque/core';
import type { FlowEdge, FlowNode, Status } from '../api/types.ts';

/** Jobs alike up to this many are listed one by one. */
const MOST_ALONE = 4;
const MOST_NODES = 120;
const MOST_EDGES = 600;
/** Rounds of looking for levels: two do for jobs that come parents first. */
const MOST_ROUNDS = 100;

/** The beginning of the token of those without parents: that the flow is stored. */
const STORING = 'b:';

/** The beginning of the token that every job of a flow feeds and none waits for: that the flow has ended. */
const END = 'e:';

/** What a token says of a parent that does not complete. */
function onFailureOf(token: string): FlowEdge['onFailure'] {
  if (token.startsWith('w')) return 'wait';
  return token.startsWith('c') ? 'continue' : 'fail';
}

/** A job of a flow, with what it holds up and waits for. */
interface Member {
  readonly job: Job;
  readonly feeds: readonly string[];
  readonly waitsFor: readonly string[];
  readonly level: number;
}

/** A flow as nodes and edges; undefined for the picture of one that stays too large. */
interface FlowGraphView {
  readonly nodes: readonly FlowNode[];
  readonly edges: readonly FlowEdge[];
  /** True when there are more than are listed. */
  readonly isCut: boolean;
}

/** Makes it of the jobs of a flow. @param refOf - what a job is called there, as it may be seen */
export function flowGraph(jobs: readonly Job[], refOf: (job: Job) => string): FlowGraphView {
  const members = withLevels(jobs);
  const exact = folded(members, ({ job, feeds, waitsFor }) =>
    JSON.stringify([job.name, [...waitsFor].sort(), [...feeds].sort()]),
  );
  const all =
    exact.length <= MOST_NODES
      ? exact
      : folded(members, ({ job, level }) => JSON.stringify([job.name, level]), 1);
  const shown = all.slice(0, MOST_NODES);
  const edges = edgesOf(shown);
  return {
    nodes: shown.map((group, index) => nodeOf(group, index, refOf)),
    edges: edges.slice(0, MOST_EDGES),
    isCut: all.length > MOST_NODES || edges.length > MOST_EDGES,
  };
}

function parentTokens(tokens: readonly string[] = []): readonly string[] {
  return tokens.filter((token) => !token.startsWith(STORING) && !token.startsWith(END));
}

/** Parents come first; what was added while a job ran may come at any place, so that it goes on until nothing rises. */
function withLevels(jobs: readonly Job[]): Member[] {
  const levels = new Map<string, number>();
  const own = jobs.map((job) => {
    return { job, feeds: parentTokens(job.feeds), waitsFor: parentTokens(job.waitsFor), level: 0 };
  });
  for (let rises = true, round = 0; rises && round < MOST_ROUNDS; round += 1) {
    rises = false;
    for (const member of own) {
      member.level = Math.max(0, ...member.waitsFor.map((token) => levels.get(token) ?? 0));
      for (const token of member.feeds) {
        if ((levels.get(token) ?? 0) > member.level) continue;
        levels.set(token, member.level + 1);
        rises = true;
      }
    }
  }
  return own;
}

function folded(
  members: readonly Member[],
  keyOf: (member: Member) => string,
  mostAlone = MOST_ALONE,
): Member[][] {
  const groups = new Map<string, Member[]>();
  for (const member of members) {
    const key = keyOf(member);
    const group = groups.get(key) ?? [];
    if (group.length === 0) groups.set(key, group);
    group.push(member);
  }
  const nodes = [...groups.values()].flatMap((group) =>
    group.length <= mostAlone ? group.map((member) => [member]) : [group],
  );
  return nodes.sort(([a], [b]) => (a as Member).level - (b as Member).level);
}

function nodeOf(group: readonly Member[], index: number, refOf: (job: Job) => string): FlowNode {
  const [{ job, level }] = group as readonly [Member];
  const byStatus: Partial<Record<Status, number>> = {};
  for (const { job: one } of group) byStatus[one.status] = (byStatus[one.status] ?? 0) + 1;
  return {
    ...{ id: `n${index}`, name: job.name, level, count: group.length, byStatus },
    ...(group.length === 1 && { job: { id: String(job._id), ref: refOf(job) } }),
  };
}

function edgesOf(groups: readonly (readonly Member[])[]): FlowEdge[] {
  const parents = byToken(groups, ({ feeds }) => feeds);
  const children = byToken(groups, ({ waitsFor }) => waitsFor);
  const found = new Map<string, FlowEdge>();
  for (const [token, to] of children) {
    for (const parent of parents.get(token) ?? []) {
      for (const child of to) {
        const edge = { from: `n${parent}`, to: `n${child}` };
        found.set(`${edge.from} ${edge.to}`, { ...edge, onFailure: onFailureOf(token) });
      }
    }
    if (found.size > MOST_EDGES) break;
  }
  return [...found.values()];
}

function byToken(
  groups: readonly (readonly Member[])[],
  tokensOf: (member: Member) => readonly string[],
): Map<string, Set<number>> {
  const found = new Map<string, Set<number>>();
  for (const [index, group] of groups.entries()) {
    for (const token of group.flatMap(tokensOf)) {
      const nodes = found.get(token) ?? new Set<number>();
      found.set(token, nodes.add(index));
    }
  }
  return found;
}
