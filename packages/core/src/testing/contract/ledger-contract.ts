/**
 * What every ledger must do, as tests that a ledger's own test file runs.
 *
 * @module
 */
import type { Clock } from '../../foundation/clock.ts';
import { assert } from '../../foundation/errors.ts';
import type { LedgerRepository } from '../../ledger/ledger-repository.ts';
import { amendTests } from './amend.ts';
import { cancelTests } from './cancel.ts';
import { claimTests } from './claim.ts';
import { deadLetterTests } from './dead-letters.ts';
import { enqueueTests } from './enqueue.ts';
import { flowEndTests } from './flow-ends.ts';
import { flowReadTests } from './flow-reads.ts';
import { flowTests } from './flows.ts';
import { gateTests } from './gates.ts';
import { groupBatchTests } from './group-batches.ts';
import { groupSuspectTests } from './group-suspects.ts';
import { groupTests } from './groups.ts';
import { historyTests } from './history.ts';
import { inspectionTests } from './inspection.ts';
import { invariantTests } from './invariants.ts';
import { leaseTests } from './lease.ts';
import { limitTests } from './limits.ts';
import { listingTests } from './listing.ts';
import { metadataTests } from './metadata.ts';
import { noteTests } from './note.ts';
import { orderTests } from './orders.ts';
import { patienceTests } from './patience.ts';
import { pauseTests } from './pauses.ts';
import { pruneTests } from './prune.ts';
import { readTests } from './read.ts';
import { recoverTests } from './recover.ts';
import { redriveTests } from './redrive.ts';
import { removeTests } from './remove.ts';
import { rescueTests } from './rescue.ts';
import { roundTripTests } from './round-trip.ts';
import { seriesTests } from './series.ts';
import { settleTests } from './settle.ts';
import { stageTests } from './stages.ts';
import { statsTests } from './stats.ts';
import { type ContractTest, type ContractTests, type PutForeign, Subject } from './subject.ts';
import { throughputTests } from './throughput.ts';
import { transitionTests } from './transitions.ts';
import { uniqueTests } from './unique.ts';
import { watchTests } from './watch.ts';

/** A ledger made for one test, and how to be rid of it. */
export interface LedgerUnderTest {
  readonly ledger: LedgerRepository;
  dispose(): Promise<void>;
}

/** The two functions of a test runner; those of Vitest and of `node:test` both fit. */
export interface ContractRunner {
  readonly describe: (name: string, define: () => void) => unknown;
  readonly test: {
    (name: string, run: () => Promise<void>): unknown;
    skip(name: string, run: () => Promise<void>): unknown;
  };
}

/** Tests that a ledger cannot pass, and why. */
export interface ContractSkip {
  readonly reason: string;
  /** Names of tests, word for word. */
  readonly tests: readonly string[];
}

/** What {@link ledgerContract} is given. */
export interface LedgerContractOptions {
  /** What the ledger is called in the test report. */
  readonly name: string;
  /** Makes an empty ledger; called for each test. */
  readonly makeRepository: () => Promise<LedgerUnderTest>;
  /** The clock that shows the tests' starting time. */
  readonly clock: Clock;
  readonly skip?: readonly ContractSkip[];
  /**
   * Puts a job into the ledger as another tool would, whatever the job's state. Tests of such jobs are skipped when it
   * is left out.
   */
  readonly putForeign?: PutForeign;
  readonly runner: ContractRunner;
}

const FAMILIES: Readonly<Record<string, ContractTests>> = {
  transitions: transitionTests,
  enqueue: enqueueTests,
  claim: claimTests,
  patience: patienceTests,
  settle: settleTests,
  cancel: cancelTests,
  remove: removeTests,
  redrive: redriveTests,
  'dead letters': deadLetterTests,
  amend: amendTests,
  note: noteTests,
  metadata: metadataTests,
  history: historyTests,
  series: seriesTests,
  stages: stageTests,
  gates: gateTests,
  invariants: invariantTests,
  unique: uniqueTests,
  'round trip': roundTripTests,
  rescue: rescueTests,
  recover: recoverTests,
  lease: leaseTests,
  read: readTests,
  listing: listingTests,
  stats: statsTests,
  throughput: throughputTests,
  orders: orderTests,
  groups: groupTests,
  'batches of groups': groupBatchTests,
  'suspects of groups': groupSuspectTests,
  flows: flowTests,
  'flow ends': flowEndTests,
  'flow reads': flowReadTests,
  pauses: pauseTests,
  limits: limitTests,
  prune: pruneTests,
  inspection: inspectionTests,
  watch: watchTests,
};

/**
 * Defines the tests of the contract, each on a ledger of its own.
 *
 * @throws MonqueError when `skip` names a test that does not exist
 */
export function ledgerContract(options: LedgerContractOptions): void {
  const { runner, skip = [] } = options;
  const reasons = new Map(skip.flatMap(({ reason, tests }) => tests.map((name) => [name, reason])));
  const names = new Set(Object.values(FAMILIES).flatMap((tests) => Object.keys(tests)));
  for (const name of reasons.keys()) {
    assert(names.has(name), `the ledger contract has no test "${name}" to skip`);
  }
  runner.describe(`the ledger contract: ${options.name}`, () => {
    for (const [family, tests] of Object.entries(FAMILIES)) {
      runner.describe(family, () => define(tests, options, reasons));
    }
  });
}

function define(
  tests: ContractTests,
  options: LedgerContractOptions,
  reasons: ReadonlyMap<string, string>,
): void {
  const { test } = options.runner;
  for (const [name, run] of Object.entries(tests)) {
    const reason = reasons.get(name) ?? unfitReason(run, options);
    const runFresh = (): Promise<void> => runOnFreshLedger(run, options);
    if (reason === undefined) test(name, runFresh);
    else test.skip(`${name} (${reason})`, runFresh);
  }
}

function unfitReason(
  { needsForeignJobs = false }: ContractTest,
  { putForeign }: LedgerContractOptions,
): string | undefined {
  const isFit = !needsForeignJobs || putForeign !== undefined;
  return isFit ? undefined : 'no other tool writes to it';
}

async function runOnFreshLedger(
  run: ContractTest,
  { makeRepository, clock, putForeign }: LedgerContractOptions,
): Promise<void> {
  const { ledger, dispose } = await makeRepository();
  try {
    await run(new Subject(ledger, clock, putForeign));
  } finally {
    await dispose();
  }
}
