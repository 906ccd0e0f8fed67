import { describe, expect, test } from 'vitest';
import type { LedgerRepository } from '../../ledger/ledger-repository.ts';
import {
  type InMemoryLedgerOptions,
  InMemoryLedgerRepository,
} from '../../ledger/memory/in-memory-ledger-repository.ts';
import { ManualClock } from '../manual-clock.ts';
import {
  type ContractRunner,
  type ContractSkip,
  type LedgerContractOptions,
  ledgerContract,
} from './ledger-contract.ts';

interface Defined {
  readonly runs: Map<string, () => Promise<void>>;
  readonly skipped: string[];
  readonly disposed: LedgerRepository[];
}

/** Defines the contract with a runner that only notes the tests. */
function define(
  skip: readonly ContractSkip[] | undefined,
  makeLedger: () => LedgerRepository = () => new InMemoryLedgerRepository({ clock }),
  putForeign?: LedgerContractOptions['putForeign'],
): Defined {
  const defined: Defined = { runs: new Map(), skipped: [], disposed: [] };
  const note = (name: string, run: () => Promise<void>): unknown => defined.runs.set(name, run);
  const skipTest = (name: string): unknown => defined.skipped.push(name);
  const runner: ContractRunner = {
    describe: (_name, defineTests) => defineTests(),
    test: Object.assign(note, { skip: skipTest }),
  };
  const makeRepository = async (): Promise<{
    ledger: LedgerRepository;
    dispose(): Promise<void>;
  }> => {
    const ledger = makeLedger();
    return {
      ledger,
      dispose: async () => {
        defined.disposed.push(ledger);
      },
    };
  };
  const optional = { ...(skip && { skip }), ...(putForeign && { putForeign }) };
  ledgerContract({ name: 'test', makeRepository, clock, runner, ...optional });
  return defined;
}

const clock = new ManualClock();

/** A ledger that loses every job. */
class LossyLedger extends InMemoryLedgerRepository {
  constructor(options: InMemoryLedgerOptions) {
    super(options);
    this.verbs = { ...this.verbs, getJob: async () => null };
  }
}

describe('ledgerContract', () => {
  test('a skipped test is shown with its reason and not run', () => {
    const name = 'a job that is not there is missing';
    const { runs, skipped } = define([{ reason: 'it has no jobs', tests: [name] }]);
    expect(skipped).toContain(`${name} (it has no jobs)`);
    expect(runs.has(name)).toBe(false);
    expect(runs.size).toBe(define(undefined).runs.size - 1);
  });

  test('tests of what other tools leave behind run where other tools can write', () => {
    const name = 'a job that another tool left processing is due again';
    const { runs, skipped } = define([]);
    expect(runs.has(name)).toBe(false);
    expect(skipped).toContain(`${name} (no other tool writes to it)`);
    const open = define([], undefined, async () => undefined);
    expect(open.runs.has(name)).toBe(true);
    expect(open.skipped).toEqual([]);
  });

  test('a job is put in as another tool would', async () => {
    const put: string[] = [];
    const { runs } = define([], undefined, async (_ledger, job) => put.push(job.status));
    const run = runs.get('a job that another tool left processing is due again');
    await expect(run?.()).rejects.toThrow('is not stored');
    expect(put).toEqual(['processing']);
  });

  test('a skip of a test that does not exist is refused', () => {
    expect(() => define([{ reason: 'none', tests: ['no such test'] }])).toThrow(
      'has no test "no such test" to skip',
    );
  });

  test('no two tests have one name', () => {
    const names: string[] = [];
    const note = (name: string): unknown => names.push(name);
    ledgerContract({
      name: 'test',
      clock,
      makeRepository: () => Promise.reject(new Error('Never called')),
      runner: { describe: (_name, run) => run(), test: Object.assign(note, { skip: note }) },
    });
    expect(new Set(names).size).toBe(names.length);
  });

  test('a ledger that breaks the contract fails its tests, and is disposed of all the same', async () => {
    const { runs, disposed } = define(undefined, () => new LossyLedger({ clock }));
    const run = runs.get('a job comes back as it was stored');
    await expect(run?.()).rejects.toThrow('is not stored');
    expect(disposed).toHaveLength(1);
  });
});
