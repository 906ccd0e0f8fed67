import { createServer } from 'node:http';
import { Monque } from '@monque/core';
import { createDashboard } from '@monque/dashboard';
import { toNodeListener } from '@monque/dashboard/node';

const monque = Monque.inMemory();
await monque.enqueue('send-email', { to: 'user@example.com' });

// Everybody may look, and nobody may change anything.
const dashboard = createDashboard({ monque, actor: () => 'anyone', readOnly: true });

const server = createServer(toNodeListener(dashboard));
await new Promise((resolve) => server.listen(0, resolve));
const address = `http://localhost:${server.address().port}/`;

// The pages are at the address. This is what they ask.
const { jobs } = await (await fetch(`${address}api/v1/jobs`)).json();
console.log(jobs.map(({ name, status }) => `${name} is ${status}`).join());
server.close();
