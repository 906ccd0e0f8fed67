import { describe, expect, test } from 'vitest';
import type { LedgerRepository } from '../../ledger/ledger-repository.ts';
import { InMemoryLedgerRepository } from '../../ledger/memory/in-memory-ledger-repository.ts';
import { ManualClock } from '../manual-clock.ts';
import { type ContractRunner, type ContractSkip, ledgerContract } from './ledger-contract.ts';

interface Defined {
  readonly runs: Map<string, () => Promise<void>>;
  readonly skipped: string[];
  readonly disposed: LedgerRepository[];
}

/** Defines the contract with a runner that only notes the tests. */
function define(
  skip: readonly ContractSkip[] | undefined,
  makeLedger: () => LedgerRepository = () => new InMemoryLedgerRepository({ clock }),
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
  ledgerContract({ name: 'test', makeRepository, clock, runner, ...(skip && { skip }) });
  return defined;
}

const clock = new ManualClock();

/** A ledger that loses every job. */
class LossyLedger extends InMemoryLedgerRepository {
  protected override async performGetJob(): Promise<null> {
    return null;
  }
}

describe('ledgerContract', () => {
  test('a skipped test is shown with its reason and not run', () => {
    const name = 'a job that is not there is missing';
    const { runs, skipped } = define([{ reason: 'it has no jobs', tests: [name] }]);
    expect(skipped).toEqual([`${name} (it has no jobs)`]);
    expect(runs.has(name)).toBe(false);
    expect(runs.size).toBe(define(undefined).runs.size - 1);
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
