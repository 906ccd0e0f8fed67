/**
 * The server: HTTP, Mongoose and the jobs.
 *
 * @module
 */
import '@tsed/ajv';
import '@tsed/platform-express';
import { MonqueModule } from '@monque/tsed';
import { Configuration, inject } from '@tsed/di';
import { MongooseService } from '@tsed/mongoose';
import './confirm-order.job.ts';
import './nightly.jobs.ts';
import './ship-order.job.ts';
import { OrdersController } from './orders.controller.ts';

@Configuration({
  httpsPort: false,
  middlewares: ['json-parser'],
  mount: { '/': [OrdersController] },
  imports: [
    MonqueModule.forRoot({
      connection: () => inject<MongooseService>(MongooseService).get(),
      collectionName: 'jobs',
    }),
  ],
})
export class Server {}
