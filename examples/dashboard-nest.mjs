import 'reflect-metadata';
import { Monque } from '@monque/core';
import { createDashboard } from '@monque/dashboard';
import { toNodeListener } from '@monque/dashboard/node';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

const monque = Monque.inMemory();
await monque.enqueue('send-email', { to: 'user@example.com' });
const dashboard = createDashboard({ monque, actor: () => 'anyone' });

class AppModule {}
Module({})(AppModule);

// With platform-fastify it is the same, or `app.register(toFastifyPlugin(dashboard), ...)`.
const app = await NestFactory.create(AppModule, { logger: false });
app.use('/admin/jobs', toNodeListener(dashboard));
await app.listen(0);
const address = `http://localhost:${app.getHttpServer().address().port}/admin/jobs/`;

const { jobs } = await (await fetch(`${address}api/v1/jobs`)).json();
console.log(jobs.map(({ name, status }) => `${name} is ${status}`).join());
await app.close();
