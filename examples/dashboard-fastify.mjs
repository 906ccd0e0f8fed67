import { Monque } from '@monque/core';
import { createDashboard } from '@monque/dashboard';
import { toFastifyPlugin } from '@monque/dashboard/node';
import fastify from 'fastify';

const monque = Monque.inMemory();
await monque.enqueue('send-email', { to: 'user@example.com' });
const dashboard = createDashboard({ monque, actor: () => 'anyone' });

const app = fastify();
await app.register(toFastifyPlugin(dashboard), { prefix: '/admin/jobs' });
const address = `${await app.listen({ port: 0 })}/admin/jobs/`;

const { jobs } = await (await fetch(`${address}api/v1/jobs`)).json();
console.log(jobs.map(({ name, status }) => `${name} is ${status}`).join());
await app.close();
