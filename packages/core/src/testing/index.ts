/**
 * What tests of an application, and of a ledger, need: `@monque/core/testing`.
 *
 * @module
 */
export {
  type ContractRunner,
  type ContractSkip,
  type LedgerContractOptions,
  type LedgerUnderTest,
  ledgerContract,
} from './contract/ledger-contract.ts';
export type { PutForeign } from './contract/subject.ts';
export {
  type CarriedOutCall,
  type Fault,
  type FaultRates,
  type FaultyCall,
  type FaultyVerb,
  seededFaults,
} from './faults.ts';
export { type FaultyLedgerOptions, FaultyLedgerRepository } from './faulty-ledger-repository.ts';
export { makeJob } from './job-factory.ts';
export { MANUAL_CLOCK_START, ManualClock, type ManualClockOptions } from './manual-clock.ts';
export { SeededRandom } from './seeded-random.ts';
export { type DataMatch, makeTestMonque, type TestMonque } from './test-monque.ts';
export { makeTestSession, type TestSession } from './test-session.ts';
