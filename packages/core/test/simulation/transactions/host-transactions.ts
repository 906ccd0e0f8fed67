/** Transactions as the driver on one machine runs them, with every statement, commit and abort on the network. */
import { sleep } from '../../../src/foundation/clock.ts';
import type { Session } from '../../../src/foundation/driver-shapes.ts';
import { ConnectionError, UnknownOutcomeError } from '../../../src/foundation/errors.ts';
import type { LedgerTransactions, MarkParams } from '../../../src/ledger/ledger-repository.ts';
import type { Machine } from '../machine.ts';
import type { Network } from '../network.ts';
import type { World } from '../world.ts';
import {
  type ServerTransaction,
  type TransactionServer,
  TransientError,
} from './server-transactions.ts';

/** How long a transaction is run again, and its commit sent again. */
const LONGEST_MS = 20_000;
const LONGEST_REST_MS = 40;

/** The session of one try. */
export class SimulatedSession implements Session {
  readonly transaction: ServerTransaction = {
    snapshot: undefined,
    state: 'open',
    documents: new Set(),
    jobs: [],
  };
  #isOn = true;

  inTransaction(): boolean {
    return this.#isOn;
  }

  async endSession(): Promise<void> {
    this.#isOn = false;
  }
}

/** What the transactions of a machine are made from. */
export interface HostTransactionsParams {
  readonly world: World;
  readonly machine: Machine;
  readonly network: Network;
  readonly server: TransactionServer;
}

/** The transactions of one machine. */
export class HostTransactions implements LedgerTransactions {
  readonly #params: HostTransactionsParams;

  constructor(params: HostTransactionsParams) {
    this.#params = params;
  }

  async run<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const { machine, world, server } = this.#params;
    const untilMs = machine.monotonic() + LONGEST_MS;
    for (;;) {
      const session = new SimulatedSession();
      const { transaction } = session;
      try {
        const result = await work(session);
        await this.#commit(transaction, untilMs);
        return result;
      } catch (error) {
        if (error instanceof UnknownCommitError) throw error;
        await this.#send('abort', () => server.abort(transaction)).catch(() => undefined);
        const isLate = machine.monotonic() > untilMs;
        if (isLate || !isTransient(error)) throw error;
      } finally {
        await session.endSession();
      }
      await sleep(machine.userClock, world.chance.between(1, LONGEST_REST_MS));
    }
  }

  async setMark({ session, ...mark }: MarkParams): Promise<boolean> {
    const { server } = this.#params;
    const { transaction } = session as SimulatedSession;
    const document = documentOf(mark);
    return this.#send('setMark', () => {
      if (server.sees(transaction, document)) return false;
      server.write(transaction, document);
      return true;
    });
  }

  countAtMark({ session, ...mark }: MarkParams): Promise<void> {
    return this.write(session, documentOf(mark));
  }

  /** A write of the user's own. */
  write(session: Session, document: string): Promise<void> {
    const { transaction } = session as SimulatedSession;
    return this.#send('write', () => this.#params.server.write(transaction, document));
  }

  /** The same commit until there is an answer. */
  async #commit(transaction: ServerTransaction, untilMs: number): Promise<void> {
    for (;;) {
      try {
        await this.#send('commit', () => this.#params.server.commit(transaction));
        return;
      } catch (error) {
        if (!(error instanceof UnknownOutcomeError)) throw error;
        if (this.#params.machine.monotonic() > untilMs) throw new UnknownCommitError(error.message);
      }
    }
  }

  async #send<T>(verb: string, carryOut: () => T | Promise<T>): Promise<T> {
    const { network, machine, world } = this.#params;
    const { fail, delayBeforeMs, delayAfterMs, onReply } = network.faultFor(machine, { verb });
    if (delayBeforeMs) await world.sleep(delayBeforeMs);
    const answer = fail === 'before' ? undefined : await settled(carryOut);
    if (delayAfterMs) await world.sleep(delayAfterMs);
    await onReply?.();
    if (fail !== undefined || answer === undefined)
      throw new UnknownOutcomeError(`${verb} is lost`);
    if ('error' in answer) throw answer.error;
    return answer.value;
  }
}

/** Nobody knows whether a transaction was committed, and nobody asks any more. */
class UnknownCommitError extends UnknownOutcomeError {}

function isTransient(error: unknown): boolean {
  return [TransientError, UnknownOutcomeError, ConnectionError].some((one) => error instanceof one);
}

function documentOf({ kind, name, id }: Pick<MarkParams, 'kind' | 'name' | 'id'>): string {
  return `${kind}/${name}/${id}`;
}

async function settled<T>(
  carryOut: () => T | Promise<T>,
): Promise<{ readonly value: T } | { readonly error: unknown }> {
  try {
    return { value: await carryOut() };
  } catch (error) {
    return { error };
  }
}
