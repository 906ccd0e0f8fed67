import { Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InMemoryLedgerRepository, Monque, type Job as StoredJob } from '@monque/core';
import { Configuration, Controller, context, injector } from '@tsed/di';
import { PlatformExpress } from '@tsed/platform-express';
import type { PlatformBuilder } from '@tsed/platform-http';
import { PlatformTest } from '@tsed/platform-http/testing';
import { PathParams, Context as RequestContext } from '@tsed/platform-params';
import { Format, Get, Post, Property } from '@tsed/schema';
import '@tsed/ajv';
import '@tsed/terminus';
import { afterEach, describe, expect, test } from 'vitest';
import { Job, MonqueModule, MonqueService } from '../src/index.ts';
import { endApplications } from './boot.ts';

endApplications();

@Job('who-am-i')
class WhoAmI {
  handle(): unknown {
    const $ctx = context();
    return { id: $ctx.id, user: $ctx.get('user') ?? 'nobody', isRequest: $ctx.has('request') };
  }
}

class Invitation {
  @Property()
  @Format('email')
  to!: string;
}

@Job({ name: 'invite', model: Invitation })
class Invite {
  handle(_job: StoredJob<Invitation>): void {
    // It is enqueued only.
  }
}

@Controller('/jobs')
class Jobs {
  constructor(readonly monque: MonqueService) {}

  @Post('/')
  async create(@RequestContext() $ctx: { id: string; set(key: string, value: unknown): void }) {
    $ctx.set('user', 'alice');
    const job = await this.monque.enqueue(WhoAmI);
    return { jobId: job._id.toHexString(), requestId: $ctx.id, user: context().get('user') };
  }

  @Post('/invite/:to')
  async invite(@PathParams('to') to: string): Promise<string> {
    return (await this.monque.enqueue(Invite, { to })).name;
  }

  @Get('/:id')
  async read(@PathParams('id') id: string): Promise<string> {
    return (await this.monque.monque.getJob(id))?.name ?? 'none';
  }
}

const connection = new InMemoryLedgerRepository();

@Configuration({
  httpPort: '127.0.0.1:0',
  httpsPort: false,
  disableBootstrapLog: true,
  mount: { '/': [Jobs] },
  imports: [MonqueModule.forRoot({ connection, pollInterval: 60_000 })],
})
class Server {}

let platform: PlatformBuilder | undefined;

async function listen(settings: Partial<TsED.Configuration> = {}): Promise<string> {
  platform = await PlatformExpress.bootstrap(Server, { logger: { level: 'off' }, ...settings });
  await platform.listen();
  const address = injector().get<HttpServer>(HttpServer)?.address() as AddressInfo;
  return `http://127.0.0.1:${address.port}`;
}

afterEach(async () => {
  await platform?.stop();
  platform = undefined;
});

test('a job that a request enqueues does not run in the context of the request', async () => {
  const address = await listen();
  const response = await fetch(`${address}/jobs`, { method: 'POST' });
  const { jobId, requestId, user } = (await response.json()) as Record<string, string>;
  expect(user).toBe('alice');
  expect(requestId).not.toBe(jobId);
  const result = await injector()
    .get<Monque>(Monque)
    ?.waitFor(jobId ?? '');
  expect(result).toEqual({ id: jobId, user: 'nobody', isRequest: false });
});

test('data that does not fit a model, and an id that is none, are faults of the request', async () => {
  const address = await listen();
  const invite = (to: string) =>
    fetch(`${address}/jobs/invite/${encodeURIComponent(to)}`, { method: 'POST' });
  expect((await invite('a@b.test')).status).toBe(200);
  const refused = await invite('nobody');
  expect(refused.status).toBe(400);
  expect(await refused.text()).toContain('`data.to`');
  expect((await fetch(`${address}/jobs/no-id`)).status).toBe(400);
});

describe('the health checks of @tsed/terminus', () => {
  test('pass while the scheduler runs', async () => {
    const address = await listen();
    const response = await fetch(`${address}/monque/health`);
    expect(response.status).toBe(200);
    expect(JSON.stringify(await response.json())).toContain('"status":"running"');
  });

  test('fail when it does not', async () => {
    const address = await listen();
    await injector().get<MonqueModule>(MonqueModule)?.$onSignal();
    expect((await fetch(`${address}/monque/health`)).status).toBe(503);
    expect((await fetch(`${address}/health`)).status).toBe(503);
  });
});

test.each(['$afterInit', '$onReady'] as const)('a server reaches %s', async (startOn) => {
  await listen({ monque: { startOn } });
  expect(injector().get<Monque>(Monque)?.isHealthy()).toBe(true);
});

test('PlatformTest boots an application with jobs in memory', async () => {
  await PlatformTest.create({ monque: { connection: new InMemoryLedgerRepository() } });
  try {
    const monque = PlatformTest.get<Monque>(Monque);
    const job = await PlatformTest.get<MonqueService>(MonqueService).enqueue(WhoAmI);
    expect(await monque.waitFor(job._id)).toMatchObject({ user: 'nobody' });
  } finally {
    await PlatformTest.reset();
  }
});

test('forRoot in a test takes the place of that of the server', async () => {
  const other = new InMemoryLedgerRepository();
  const imports = [MonqueModule.forRoot({ connection: other, processJobs: false })];
  await PlatformTest.bootstrap(Server, { platform: PlatformExpress, imports } as never)();
  try {
    const job = await PlatformTest.get<MonqueService>(MonqueService).enqueue(WhoAmI);
    expect(await new Monque(other).getJob(job._id)).toMatchObject({ name: 'who-am-i' });
    expect(await new Monque(connection).getJob(job._id)).toBeNull();
  } finally {
    await PlatformTest.reset();
  }
});

test('a server that imports the module without options does not boot', async () => {
  @Configuration({ httpPort: false, httpsPort: false, imports: [MonqueModule] })
  class Bare {}
  const booting = PlatformExpress.bootstrap(Bare, { logger: { level: 'off' } });
  await expect(booting).rejects.toThrow('Expected `monque.connection`');
});
