/** Runs random steps on a ledger and on the model, and compares every answer. */
import fc from 'fast-check';
import { expect } from 'vitest';
import { LedgerDriver, type MakeLedger } from './ledger-driver.ts';
import { LedgerModel } from './model.ts';
import type { Step } from './model-step.ts';
import { anyStep, firstStep } from './steps.ts';

const MOST_STEPS = 60;

class StepCommand implements fc.AsyncCommand<LedgerModel, LedgerDriver> {
  readonly #step: Step;

  constructor(step: Step) {
    this.#step = step;
  }

  check(): boolean {
    return true;
  }

  async run(model: LedgerModel, driver: LedgerDriver): Promise<void> {
    const expected = model.answer(this.#step);
    expect(await driver.answer(this.#step), this.toString()).toEqual(expected);
  }

  toString(): string {
    return JSON.stringify(this.#step);
  }
}

/** Every answer of the ledger is the model's, and so is every job in the end. A failure prints its seed and path. */
export async function assertFollowsModel(makeLedger: MakeLedger, numRuns: number): Promise<void> {
  const command = anyStep.map((step) => new StepCommand(step));
  const property = fc.asyncProperty(
    firstStep,
    fc.commands([command], { maxCommands: MOST_STEPS, size: 'max' }),
    async (first, commands) => {
      const driver = await LedgerDriver.on(makeLedger);
      const model = new LedgerModel();
      expect(await driver.answer(first)).toEqual(model.answer(first));
      await fc.asyncModelRun(() => ({ model, real: driver }), commands);
      const jobs = await driver.everyJob();
      expect(jobs).toEqual(jobs.map((_, job) => model.answer({ kind: 'getJob', job })));
    },
  );
  await fc.assert(property, { numRuns });
}

/** Two ledgers give the same answers to the same steps, and have the same jobs in the end, to the last field. */
export async function assertAnswerAlike(
  makeLedgers: readonly [MakeLedger, MakeLedger],
  numRuns: number,
): Promise<void> {
  const steps = fc.array(anyStep, { maxLength: MOST_STEPS, size: 'max' });
  const property = fc.asyncProperty(firstStep, steps, async (first, sequence) => {
    const [one, other] = await Promise.all(makeLedgers.map((make) => LedgerDriver.on(make)));
    for (const step of [first, ...sequence]) {
      const answers = [await one?.answer(step), await other?.answer(step)];
      expect(answers[0], JSON.stringify(step)).toEqual(answers[1]);
    }
    expect(await one?.everyStoredJob()).toEqual(await other?.everyStoredJob());
  });
  await fc.assert(property, { numRuns });
}
