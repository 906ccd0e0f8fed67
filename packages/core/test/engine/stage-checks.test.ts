import { describe, expect, test } from 'vitest';
import { gate, stage } from '../../src/index.ts';
import { makeOne } from './kit.ts';

describe('what a worker with stages is made of', () => {
  const step = stage('a', () => 1);

  test.each<[string, unknown, string]>([
    ['no list', {}, 'handler.stages'],
    ['something else than a list', { stages: step }, 'handler.stages'],
    ['an empty list', { stages: [] }, 'handler.stages'],
    ['gates alone', { stages: [gate('g')] }, 'handler.stages'],
    ['a function in the list', { stages: [() => 1] }, 'handler.stages[0]'],
    ['null in the list', { stages: [null] }, 'handler.stages[0]'],
    ['one name twice', { stages: [step, gate('a')] }, 'handler.stages[1]'],
    ['an unknown field', { stages: [step], steps: [] }, 'handler'],
    ['nothing', null, 'handler'],
  ])('%s is refused', (_what, definition, field) => {
    const { monque } = makeOne();
    const register = (): unknown => monque.worker('import', definition as never);
    expect(register).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', field }));
  });

  test('more than fifty stages, or gates, are refused', () => {
    const { monque } = makeOne();
    const many = Array.from({ length: 51 }, (_, index) => `step ${index}`);
    const stages = many.map((name) => stage(name, () => 1));
    expect(() => monque.worker('a', { stages })).toThrow('1 to 50 stages and at most 50 gates');
    const gates = many.map((name) => gate(name));
    expect(() => monque.worker('a', { stages: [step, ...gates] })).toThrow('1 stages, 51 gates');
    expect(monque.worker('a', { stages: [...stages.slice(1), ...gates.slice(0, 1)] })).toBe(monque);
  });

  test('a stage and a gate have names, and what they are given is checked', () => {
    expect(() => stage('', () => 1)).toThrow('Expected `name`');
    expect(() => stage('a', 1 as never)).toThrow('Expected `handler` to be a function');
    expect(() => gate('')).toThrow('Expected `name`');
    expect(() => gate('a', { timeout: 0 })).toThrow('Expected `options.timeout`');
    expect(() => gate('a', { schema: {} as never })).toThrow('a Standard Schema');
  });
});
