import { expect, test } from 'vitest';
import { InvalidArgumentError, Monque } from '../../src/index.ts';
import { resolveOptions } from '../../src/options/resolve-options.ts';

const refused: [string, Record<string, unknown>][] = [
  ['pollInterval', { pollInterval: 5 }],
  ['pollInterval', { pollInterval: '1000' }],
  ['defaultConcurrency', { defaultConcurrency: 0 }],
  ['maxRetries', { maxRetries: 1.5 }],
  ['baseRetryInterval', { baseRetryInterval: -1 }],
  ['maxBackoffDelay', { maxBackoffDelay: Number.NaN }],
  ['shutdownTimeout', { shutdownTimeout: Number.POSITIVE_INFINITY }],
  ['leaseDuration', { leaseDuration: 999 }],
  ['rescueLimit', { rescueLimit: 0 }],
  ['recoverStaleJobs', { recoverStaleJobs: 'yes' }],
  ['resendLimit', { resendLimit: -1 }],
  ['maxPayloadSize', { maxPayloadSize: 16 * 1024 * 1024 }],
  ['operationTimeout', { operationTimeout: 1 }],
  ['writeConcern', { writeConcern: 0 }],
  ['skipIndexCreation', { skipIndexCreation: 1 }],
  ['collectionName', { collectionName: '' }],
  ['collectionName', { collectionName: 'a$b' }],
  ['collectionName', { collectionName: 'system.jobs' }],
  ['clock', { clock: {} }],
  ['clock', { clock: null }],
  ['random', { random: { token: () => 'x' } }],
];

test.each(refused)('a wrong %s is refused by its name (%o)', (field, options) => {
  expect(() => resolveOptions(options)).toThrow(InvalidArgumentError);
  expect(() => resolveOptions(options)).toThrow(`\`options.${field}\``);
});

test('the defaults are the documented ones', () => {
  expect(resolveOptions()).toMatchObject({
    pollIntervalMs: 1000,
    defaultConcurrency: 5,
    maxRetries: 10,
    baseRetryIntervalMs: 1000,
    maxBackoffDelayMs: 86_400_000,
    shutdownTimeoutMs: 30_000,
    leaseDurationMs: 30_000,
    rescueLimit: 5,
    recoverStaleJobs: true,
    resendLimitMs: 600_000,
    maxPayloadBytes: 1_048_576,
    operationTimeoutMs: 10_000,
    ledger: { collectionName: 'monque_jobs', writeConcern: 'majority', skipIndexCreation: false },
  });
});

test('every option that is given counts', () => {
  const options = resolveOptions({
    pollInterval: 20,
    defaultConcurrency: 1,
    maxRetries: 2,
    baseRetryInterval: 3,
    maxBackoffDelay: 4,
    shutdownTimeout: 0,
    leaseDuration: 5000,
    rescueLimit: 6,
    recoverStaleJobs: false,
    resendLimit: 7,
    maxPayloadSize: 16,
    operationTimeout: 100,
    collectionName: 'jobs',
    writeConcern: 1,
    skipIndexCreation: true,
  });
  expect(options).toMatchObject({
    pollIntervalMs: 20,
    defaultConcurrency: 1,
    maxRetries: 2,
    baseRetryIntervalMs: 3,
    maxBackoffDelayMs: 4,
    shutdownTimeoutMs: 0,
    leaseDurationMs: 5000,
    rescueLimit: 6,
    recoverStaleJobs: false,
    resendLimitMs: 7,
    maxPayloadBytes: 16,
    operationTimeoutMs: 100,
    ledger: { collectionName: 'jobs', writeConcern: 1, skipIndexCreation: true },
  });
  expect(Object.isFrozen(options)).toBe(true);
});

test('an option given as undefined is as if it were left out', () => {
  expect(resolveOptions({ pollInterval: undefined as never }).pollIntervalMs).toBe(1000);
});

test('a mistyped option is answered with the nearest one', () => {
  expect(() => Monque.inMemory({ polInterval: 1 } as never)).toThrow(
    'did you mean `pollInterval`?',
  );
  expect(() => Monque.inMemory({ resenLimit: 1 } as never)).toThrow('did you mean `resendLimit`?');
  expect(() => Monque.inMemory({ toString: 1 } as never)).toThrow('`options`');
});

test('options must be an object', () => {
  expect(() => resolveOptions(null as never)).toThrow('`options`');
  expect(() => resolveOptions([] as never)).toThrow('`options`');
});
