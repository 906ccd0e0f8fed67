/** A dashboard over a scheduler in memory, and handlers that end when they are told to. */
import type { Monque, MonqueOptions } from '@monque/core';
import { expect } from 'vitest';
import { until } from '../../core/test/setup/until.ts';
import { inMemory, TestDashboard } from './dashboards.ts';

/** A dashboard, what posts to it, and what waits for the end of an operation. */
export function make(options: MonqueOptions = {}): {
  readonly monque: Monque;
  readonly dashboard: TestDashboard;
  readonly post: (path: string, json: object) => ReturnType<TestDashboard['ask']>;
  readonly done: (json: object) => Promise<Awaited<ReturnType<TestDashboard['ask']>>['body']>;
} {
  const monque = inMemory(options);
  const dashboard = new TestDashboard(monque);
  const post = (path: string, json: object) => dashboard.ask(path, { method: 'POST', json });
  const done = async (json: object) => {
    const begun = await post('operations', json);
    expect(begun.status).toBe(202);
    return until('its end', async () => {
      const { operation } = (await dashboard.ask(`operations/${begun.body.operation.id}`)).body;
      return operation.state === 'running' ? undefined : operation;
    });
  };
  return { monque, dashboard, post, done };
}

/** Handlers that end when they are told to. */
export function held(): { readonly work: () => Promise<void>; readonly end: () => void } {
  const waiting: (() => void)[] = [];
  return {
    work: () => new Promise<void>((resolve) => void waiting.push(resolve)),
    end: () => {
      for (const resolve of waiting.splice(0)) resolve();
    },
  };
}
