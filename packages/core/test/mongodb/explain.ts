import type { Db, Document } from 'mongodb';

/** How the server ran one command. */
export interface Explained {
  /** Every stage of the plan that won, from the outside in. */
  readonly stages: readonly string[];
  /** The indexes it scanned, each once. */
  readonly indexes: readonly string[];
  /** How many other plans the planner had to try against it. */
  readonly rejected: number;
  readonly keys: number;
  readonly documents: number;
}

/** Fields that belong to sending a command and not to the question. */
const ENVELOPE = new Set([
  ...['lsid', '$clusterTime', '$db', '$readPreference', 'txnNumber', 'readConcern'],
  ...['writeConcern', 'maxTimeMS', 'batchSize'],
]);

/** Explains a command just as it was sent. */
export async function explain(db: Db, sent: Document): Promise<Explained> {
  const command = Object.fromEntries(Object.entries(sent).filter(([key]) => !ENVELOPE.has(key)));
  const reply = await db.command({ explain: command, verbosity: 'executionStats' });
  // Of stages only the first looks at the collection.
  const { queryPlanner, executionStats } = reply.stages?.[0].$cursor ?? reply;
  const plans = nodesOf(queryPlanner.winningPlan);
  return {
    stages: plans.map(({ stage }) => stage),
    indexes: [...new Set(plans.flatMap(({ indexName }) => indexName ?? []))],
    rejected: queryPlanner.rejectedPlans.length,
    keys: executionStats.totalKeysExamined,
    documents: executionStats.totalDocsExamined,
  };
}

/** A command for each of its statements, since only one can be explained at a time. */
export function statementsOf(sent: Document): Document[] {
  for (const list of ['updates', 'deletes']) {
    const statements: Document[] | undefined = sent[list];
    if (statements) return statements.map((statement) => ({ ...sent, [list]: [statement] }));
  }
  return [sent];
}

function nodesOf(value: unknown): Document[] {
  if (typeof value !== 'object' || value === null) return [];
  const children = Object.values(value).flatMap(nodesOf);
  return 'stage' in value ? [value, ...children] : children;
}
