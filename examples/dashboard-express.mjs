import { Monque } from '@monque/core';
import { createDashboard } from '@monque/dashboard';
import { toNodeListener } from '@monque/dashboard/node';
import express from 'express';

const monque = Monque.inMemory();
await monque.enqueue('send-email', { to: 'user@example.com' });

// Who asks is what your sign-in says; here, a header that the proxy in front sets.
const dashboard = createDashboard({
  monque,
  actor: (request) => request.headers.get('x-user'),
  readOnly: (actor) => actor !== 'ann',
});

const app = express();
app.use('/admin/jobs', toNodeListener(dashboard));
const server = app.listen(0);
const address = `http://localhost:${server.address().port}/admin/jobs/`;

const response = await fetch(`${address}api/v1/jobs`, { headers: { 'x-user': 'ann' } });
const { jobs } = await response.json();
console.log(jobs.map(({ name, status }) => `${name} is ${status}`).join());
server.close();
