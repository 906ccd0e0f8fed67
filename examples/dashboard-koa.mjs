import { Monque } from '@monque/core';
import { createDashboard } from '@monque/dashboard';
import { toKoaMiddleware } from '@monque/dashboard/node';
import Koa from 'koa';
import mount from 'koa-mount';

const monque = Monque.inMemory();
await monque.enqueue('send-email', { to: 'user@example.com' });
const dashboard = createDashboard({ monque, actor: () => 'anyone' });

const app = new Koa();
app.use(mount('/admin/jobs', toKoaMiddleware(dashboard)));
const server = app.listen(0);
const address = `http://localhost:${server.address().port}/admin/jobs/`;

const { jobs } = await (await fetch(`${address}api/v1/jobs`)).json();
console.log(jobs.map(({ name, status }) => `${name} is ${status}`).join());
server.close();
