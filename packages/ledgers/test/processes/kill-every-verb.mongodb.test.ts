/**
 * Each verb, killed at the point where half of it is done. `kill.mongodb.test.ts` kills one of them at every point.
 */
import { readFile, rm } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { describeWithMongo } from '../../../core/test/setup/mongodb.ts';
import {
  CASES,
  commandOfApplying,
  expectWhole,
  killInFile,
  killInMongo,
  useFolder,
} from './kills.ts';

const folder = useFolder();

describe('a kill while a file is written', () => {
  test.each(CASES.map((one) => [one.kind, one.verb, one] as const))(
    'in the middle of %s %s leaves the file as it was',
    async (_kind, _verb, one) => {
      const { store, before } = await killInFile(folder.path, one, 'write');
      expect(await readFile(store.path, 'utf8')).toBe(before);
      await rm(`${store.path}.lock`, { recursive: true });
      await expectWhole(store, one, false);
    },
  );
});

describeWithMongo('a kill while MongoDB is written', () => {
  test.each(CASES.map((one) => [one.kind, one.verb, one] as const))(
    'between decision and application of %s %s is made good by the next writer',
    async (_kind, _verb, one) => {
      const { store, signal, drop } = await killInMongo(one, commandOfApplying(one));
      expect(signal).toBe('SIGKILL');
      await expectWhole(store, one, true);
      await drop();
    },
  );
});
