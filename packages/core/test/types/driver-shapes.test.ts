/**
 * What databases and sessions the compiler takes: those of any copy of the driver. `tsc` checks this file; the tests run
 * it as well.
 */
import type { ClientSession, Db } from 'mongodb';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { type EnqueueOptions, Monque } from '../../src/index.ts';
import type { Database, Session } from '../../src/types-api.ts';

/** As another copy of the driver declares it: members of its own, private ones too. */
declare class OtherDb {
  protected readonly own: string;
  get databaseName(): string;
  collection<T>(name: string, options?: { strict?: boolean }): { readonly of: T };
  command(command: Record<string, unknown>, options?: { timeoutMS?: number }): Promise<{ ok: 1 }>;
}

declare class OtherSession {
  protected readonly own: string;
  inTransaction(): boolean;
  endSession(options?: { force?: boolean }): Promise<void>;
}

describe('a scheduler takes', () => {
  test('the database of any copy of the driver', () => {
    expectTypeOf<Db>().toExtend<Database>();
    expectTypeOf<OtherDb>().toExtend<Database>();
    expectTypeOf(Monque).toBeConstructibleWith({} as OtherDb);
    expectTypeOf(Monque).toBeConstructibleWith({} as Db);
    expect(() => new Monque({ databaseName: 'shop' } as Database)).toThrow(/db/);
  });

  test('a session of any copy of the driver', () => {
    expectTypeOf<ClientSession>().toExtend<Session>();
    expectTypeOf<OtherSession>().toExtend<NonNullable<EnqueueOptions['session']>>();
  });
});
