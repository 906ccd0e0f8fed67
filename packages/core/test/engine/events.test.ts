import { once } from 'node:events';
import { expect, test } from 'vitest';
import { MonqueEmitter } from '../../src/context/events.ts';
import { makeContext } from '../../src/context/scheduler-context.ts';
import { Monque } from '../../src/index.ts';
import { resolveOptions } from '../../src/options/resolve-options.ts';
import { makeOne, makeWorld, payloads } from './kit.ts';

test('a listener that throws hurts neither the job nor the other listeners', async () => {
  const { monque, clock } = makeOne();
  const errors: string[] = [];
  const heard: string[] = [];
  monque.on('job:error', ({ error }) => errors.push(error.message));
  for (const name of ['job:start', 'job:complete'] as const) {
    monque.prependListener(name, () => {
      throw new Error(`${name} threw`);
    });
    monque.on(name, () => heard.push(name));
  }
  monque.worker('work', () => undefined, { concurrency: 1 });
  await monque.start();
  await monque.enqueueMany([{ name: 'work' }, { name: 'work' }, { name: 'work' }]);
  await clock.settle();
  expect(heard.filter((name) => name === 'job:complete')).toHaveLength(3);
  expect(errors).toHaveLength(6);
  await monque.stop();
});

test('a listener that rejects is reported as job:error', async () => {
  const { monque, clock, events } = makeOne();
  monque.on('job:start', () => Promise.reject(new Error('later')));
  monque.worker('work', () => undefined);
  await monque.start();
  await monque.enqueue('work');
  await clock.settle();
  expect(payloads(events, 'job:error').map(({ error }) => error.message)).toEqual(['later']);
  await monque.stop();
});

test('a listener of job:error that throws harms nobody', () => {
  const emitter = new MonqueEmitter();
  let heard = 0;
  emitter.on('job:error', () => {
    throw new Error('again');
  });
  emitter.on('job:error', () => {
    heard += 1;
  });
  expect(emitter.emit('job:error', { error: new Error('first') })).toBe(true);
  expect(heard).toBe(1);
});

test('an event without listeners says so, and once listens once', () => {
  const emitter = new MonqueEmitter();
  let heard = 0;
  expect(emitter.emit('job:error', { error: new Error('x') })).toBe(false);
  emitter.once('job:error', () => {
    heard += 1;
  });
  emitter.emit('job:error', { error: new Error('x') });
  emitter.emit('job:error', { error: new Error('x') });
  expect(heard).toBe(1);
});

test('an event that nobody listens to is not handed on, and one is from the first listener on', () => {
  const emitter = new MonqueEmitter();
  const handedOn: string[] = [];
  const { emit } = makeContext(
    { ledger: makeWorld().ledger, options: resolveOptions() },
    {
      emit: (name) => handedOn.push(name),
      isHeard: (name) => emitter.listenerCount(name) > 0,
    },
  );
  emit('gate:expired', { count: 1 });
  emitter.on('gate:expired', () => undefined);
  emit('gate:expired', { count: 2 });
  expect(handedOn).toEqual(['gate:expired']);
});

test('an event that does not exist is refused by every way to listen', async () => {
  const monque = Monque.inMemory();
  const wrong = 'job:done' as 'job:start';
  const ways = ['on', 'once', 'addListener', 'prependListener', 'prependOnceListener'] as const;
  for (const way of ways) {
    expect(() => monque[way](wrong, () => undefined), way).toThrow(/`event`.*job:complete/s);
    expect(
      monque[way]('job:start', () => undefined),
      way,
    ).toBe(monque);
  }
  expect(monque.listenerCount('job:start')).toBe(ways.length);
  // What Node itself listens to goes on.
  const heard = once(monque, 'job:complete');
  monque.worker('a', () => undefined);
  await monque.start();
  await monque.enqueue('a');
  expect((await heard)[0].job.name).toBe('a');
  await monque.stop();
});
