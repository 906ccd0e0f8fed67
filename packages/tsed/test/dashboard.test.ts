// The dashboard in an application of Ts.ED, as its guide says.
import { Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InMemoryLedgerRepository, Monque } from '@monque/core';
import { Configuration, Inject, injector } from '@tsed/di';
import { PlatformExpress } from '@tsed/platform-express';
import { type BeforeRoutesInit, PlatformApplication } from '@tsed/platform-http';
// The adapter that files behind this one, whose applications serve nothing, find in the process that they share.
import '@tsed/platform-http/testing';
import { expect, test } from 'vitest';
import { createDashboard } from '../../dashboard/src/index.ts';
import { toNodeListener } from '../../dashboard/src/node.ts';
import { MonqueModule } from '../src/index.ts';
import { endApplications } from './boot.ts';

endApplications();

const connection = new InMemoryLedgerRepository();

@Configuration({
  httpPort: '127.0.0.1:0',
  httpsPort: false,
  disableBootstrapLog: true,
  logger: { level: 'off' },
  imports: [MonqueModule.forRoot({ connection, pollInterval: 60_000 })],
})
class Server implements BeforeRoutesInit {
  @Inject()
  app!: PlatformApplication;

  @Inject()
  monque!: Monque;

  $beforeRoutesInit(): void {
    const dashboard = createDashboard({ monque: this.monque, actor: () => 'ann' });
    this.app.use('/admin/jobs', toNodeListener(dashboard));
  }
}

test('an application of Ts.ED shows its jobs', async () => {
  const platform = await PlatformExpress.bootstrap(Server);
  await platform.listen();
  const address = injector().get<HttpServer>(HttpServer)?.address() as AddressInfo;
  const base = `http://127.0.0.1:${address.port}/admin/jobs/`;
  const stored = await fetch(`${base}api/v1/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'mail' }),
  });
  expect(stored.status).toBe(201);
  const listed = await fetch(`${base}api/v1/jobs`);
  expect(await listed.json()).toMatchObject({ jobs: [{ name: 'mail' }] });
  const page = await fetch(`${base}-/jobs`, { headers: { accept: 'text/html' } });
  expect(await page.text()).toContain('<base href="../">');
  await platform.stop();
});
