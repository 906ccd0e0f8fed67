/**
 * The options of the module, wherever they were given.
 *
 * @module
 */
import type { MonqueOptions } from '@monque/core';
import { InvalidArgumentError } from '@monque/core';
import { injector } from '@tsed/di';
import type { ConnectionOption } from './connection.ts';
import { MONQUE_MODULE_OPTIONS } from './constants.ts';

/** The hooks of Ts.ED in which the scheduler may start. */
export type StartHook = '$onInit' | '$afterInit' | '$onReady';

/** Options of the module, with those of the scheduler. */
export interface MonqueModuleOptions extends MonqueOptions {
  /**
   * Where jobs are kept: a Mongoose `Connection` that is open or connects, a `Db`, a `LedgerRepository`, a promise of
   * one of these, or a function that gives one when the application boots, after `@tsed/mongoose` has opened its own.
   */
  readonly connection?: ConnectionOption;
  /** With false nothing is connected to, and every call of the scheduler is refused: for tests. @default true */
  readonly enabled?: boolean;
  /** With false this process enqueues jobs and runs none; its `@Cron` series are left to those that do. @default true */
  readonly processJobs?: boolean;
  /**
   * When jobs begin to run. `$onInit` comes with every way to boot an application, but before the asynchronous
   * `$onInit` of other services has ended; the others come only with a whole server. @default '$onInit'
   */
  readonly startOn?: StartHook;
}

declare global {
  namespace TsED {
    interface Configuration {
      /** Options of `@monque/tsed`. */
      monque: MonqueModuleOptions;
    }
  }
}

/** The options after defaults. */
export interface ResolvedModuleOptions {
  /** Why the scheduler does nothing; absent when it does something. */
  readonly idleBecause?: string;
  readonly connection: ConnectionOption | undefined;
  readonly processJobs: boolean;
  readonly startOn: StartHook;
  readonly monqueOptions: MonqueOptions;
}

const START_HOOKS: readonly unknown[] = ['$onInit', '$afterInit', '$onReady'] satisfies StartHook[];

/**
 * The options of the application that boots: those of `@Configuration`, then those of `forRoot` in modules, then those
 * of `forRoot` in the server, each going before what comes earlier.
 *
 * @param importedModule - the module; when it is imported on purpose, options are expected
 * @throws InvalidArgumentError naming the option
 */
export function resolveModuleOptions(importedModule: unknown): ResolvedModuleOptions {
  const given = givenOptions();
  const options: MonqueModuleOptions = Object.assign({}, ...given);
  const { connection, enabled = true, processJobs = true, startOn = '$onInit', ...rest } = options;
  check('enabled', typeof enabled === 'boolean', 'true or false', enabled);
  check('processJobs', typeof processJobs === 'boolean', 'true or false', processJobs);
  const isHook = START_HOOKS.includes(startOn);
  check('startOn', isHook, 'one of $onInit, $afterInit, $onReady', startOn);
  const isConfigured = given.length > 0 || isImported(importedModule);
  const idleBecause = reasonToIdle(enabled, isConfigured);
  return {
    ...(idleBecause !== undefined && { idleBecause }),
    connection,
    processJobs,
    startOn,
    monqueOptions: rest,
  };
}

function givenOptions(): object[] {
  const inner = importsOf(injector().getProviders()).filter(isOptionsImport);
  const layers: unknown[] = [
    injector().settings.get('monque'),
    ...inner.map(({ use }) => use),
    injector().getProvider(MONQUE_MODULE_OPTIONS)?.useValue,
  ];
  return layers.filter((layer): layer is object => typeof layer === 'object' && layer !== null);
}

function importsOf(
  providers: readonly { readonly imports?: unknown; readonly configuration?: unknown }[],
): unknown[] {
  return providers.flatMap(({ imports, configuration }) => {
    const inner = (configuration as { readonly imports?: unknown } | undefined)?.imports;
    return [imports, inner].flatMap((list) => (Array.isArray(list) ? list : []));
  });
}

function isOptionsImport(item: unknown): item is { readonly use: unknown } {
  const token: unknown = (item as { readonly token?: unknown } | null | undefined)?.token;
  return token === MONQUE_MODULE_OPTIONS;
}

/** The class may be registered only because a file imported this package; importing the module is a wish. */
function isImported(importedModule: unknown): boolean {
  return importsOf(injector().getProviders()).includes(importedModule);
}

function reasonToIdle(enabled: boolean, isConfigured: boolean): string | undefined {
  if (!enabled) return 'it is disabled: `monque.enabled` is false';
  if (isConfigured) return undefined;
  return 'it is not configured: import MonqueModule.forRoot({ connection }) in the server, or set @Configuration({ monque: { connection } })';
}

function check(option: string, holds: boolean, expected: string, got: unknown): void {
  if (!holds) throw new InvalidArgumentError(`monque.${option}`, expected, got);
}
