/**
 * The scheduler as a provider of Ts.ED, whose token is the class `Monque` itself.
 *
 * Both providers are asynchronous: Ts.ED waits for them before it makes any service, so a service that injects the
 * scheduler gets a real one.
 *
 * @module
 */
import { Monque } from '@monque/core';
import { injectable, injector } from '@tsed/di';
import { type OpenConnection, openConnection } from './connection.ts';
import { IdleLedger } from './idle-ledger.ts';
import { type ResolvedModuleOptions, resolveModuleOptions } from './module-options.ts';

/** What the application was configured with, and the connection it led to. */
export interface Setup extends ResolvedModuleOptions, OpenConnection {}

/** The token of the {@link Setup}. */
export const SETUP: unique symbol = Symbol.for('monque:setup') as never;

/** Where @tsed/mongoose keeps its service, whose connections are open as soon as it is there. */
const MONGOOSE_CONNECTIONS = Symbol.for('MONGOOSE_CONNECTIONS');

/** What is needed of the service of `@tsed/mongoose`. */
export interface MongooseService {
  closeConnections(): Promise<unknown>;
}

/** The service of `@tsed/mongoose`, with its connections open; undefined when the application has none. */
export async function findMongooseService(): Promise<MongooseService | undefined> {
  if (injector().getProvider(MONGOOSE_CONNECTIONS) === undefined) return undefined;
  return injector().get<Promise<MongooseService>>(MONGOOSE_CONNECTIONS);
}

/**
 * Registers the providers.
 *
 * @param importedModule - the module; when it is imported on purpose, options are expected
 */
export function provideMonque(importedModule: unknown): void {
  injectable(SETUP).asyncFactory(() => makeSetup(importedModule));
  injectable(Monque)
    .deps([SETUP])
    .asyncFactory(async (setup) => {
      const { source, monqueOptions } = setup as Setup;
      return new Monque(source, monqueOptions);
    });
}

async function makeSetup(importedModule: unknown): Promise<Setup> {
  const options = resolveModuleOptions(importedModule);
  const { idleBecause } = options;
  // Nothing of the options is checked then: some belong to a database that there is none of.
  if (idleBecause !== undefined) {
    return { ...options, monqueOptions: {}, source: new IdleLedger(idleBecause) };
  }
  await findMongooseService();
  return { ...options, ...(await openConnection(options.connection)) };
}
