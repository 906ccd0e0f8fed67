/**
 * Verification on a cron, and the job that reports drift to another system.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Monque } from '@monque/core';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { until } from '../../../core/test/setup/until.ts';
import {
  CheckRunner,
  MemoryRecordStore,
  Redactor,
  runIdAt,
  scheduleVerification,
  VerificationLedger,
} from '../../src/index.ts';
import { clockAt, put, START, stepIn } from '../kit.ts';

let server: Server;
let bodies: string[] = [];
let answers: number[] = [];
let secrets: unknown[] = [];

beforeEach(async () => {
  bodies = [];
  answers = [];
  secrets = [];
  server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    bodies.push(body);
    secrets.push(request.headers['x-key']);
    response.statusCode = answers.shift() ?? 200;
    response.end('thanks');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  server.close();
});

function urlOf(): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?token=hidden`;
}

async function scheduled(options: object): Promise<{
  scheduler: Monque;
  ledger: VerificationLedger;
  set: (holds: boolean) => void;
  later: () => Promise<void>;
}> {
  const clock = clockAt();
  const scheduler = Monque.inMemory({ clock });
  let holds = true;
  const runner = new CheckRunner({
    scheduler,
    clock,
    redactor: new Redactor([]),
    functions: { holds: () => holds },
  });
  const store = new MemoryRecordStore();
  await put(
    store,
    stepIn('completed_pending_verification', 'S01', {
      invariants: [{ text: 'x', check: { function: 'holds' } }],
    }),
  );
  const ledger = new VerificationLedger({ store, runner, clock });
  await scheduleVerification(ledger, { scheduler, cron: '0 * * * *', clock, ...options });
  await scheduler.start();
  const later = async (): Promise<void> => {
    const finished = once(ledger, 'verification:finished');
    await clock.advance(3_600_000);
    for (let turn = 0; turn < 20; turn += 1) await clock.advance(1000);
    await finished;
  };
  return {
    scheduler,
    ledger,
    later,
    set: (value) => {
      holds = value;
    },
  };
}

test('a ledger is verified on its cron, and drift is told to the webhook, again until it is taken', async () => {
  const { scheduler, ledger, set, later } = await scheduled({
    webhook: { url: urlOf(), headers: { 'x-key': 'k' } },
    timezone: 'Europe/Berlin',
  });
  await later();
  expect(await ledger.get('S01')).toMatchObject({
    status: 'verified',
    verifications: [{ run: 'run-20260301T100000Z' }],
  });
  expect(bodies).toEqual([]);
  set(false);
  answers = [503];
  await later();
  expect(await ledger.get('S01')).toMatchObject({ status: 'drift_detected' });
  await until('the second try', () => bodies.length === 2);
  expect(JSON.parse(bodies[1] ?? '')).toEqual({
    ok: false,
    run: expect.stringMatching(/^run-20260301T11/),
    steps: [{ id: 'S01', outcome: 'drift', failed: ['function holds'] }],
  });
  expect(secrets).toEqual(['k', 'k']);
  const jobs = await scheduler.getJobs({ limit: 100 });
  expect(JSON.stringify(jobs)).not.toContain('hidden');
  expect(JSON.stringify(jobs)).toContain('answered 503');
  await scheduler.stop();
});

test('a report of every run is sent when that is asked for, with an id of the caller', async () => {
  let runs = 0;
  const runId = (): string => {
    runs += 1;
    return `nightly-${runs}`;
  };
  const { scheduler, later } = await scheduled({
    webhook: { url: urlOf(), when: 'always' },
    runId,
    actor: 'night',
    jobName: 'nightly',
  });
  await later();
  await until('the report', () => bodies.length === 1);
  expect(JSON.parse(bodies[0] ?? '')).toMatchObject({ ok: true, run: 'nightly-1' });
  await scheduler.stop();
});

test('a receiver that cannot be reached is named without its address, and nothing is sent without a webhook', async () => {
  const url = urlOf();
  server.close();
  await once(server, 'close');
  const { scheduler, set, later } = await scheduled({ webhook: { url } });
  set(false);
  await later();
  const jobs = await until('the failure', async () => {
    const found = await scheduler.getJobs({ name: 'ledger-verify-webhook' });
    return found.some(({ failCount }) => failCount > 0) && found;
  });
  expect(JSON.stringify(jobs)).toContain('cannot be reached (TypeError)');
  expect(JSON.stringify(jobs)).not.toContain('hidden');
  await scheduler.stop();
  const without = await scheduled({});
  without.set(false);
  await without.later();
  expect(await without.scheduler.getJobs({ name: 'ledger-verify-webhook' })).toEqual([]);
  await without.scheduler.stop();
});

test.each(['ftp://x', 'nothing', ''])('the address %o is refused', async (url) => {
  const refused = scheduled({ webhook: { url } });
  await expect(refused).rejects.toMatchObject({ field: 'options.webhook.url' });
});

test('a run is named by its time', () => {
  expect(runIdAt(START.getTime() + 1234)).toBe('run-20260301T093001Z');
});
