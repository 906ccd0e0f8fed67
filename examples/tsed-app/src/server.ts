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
import { ConfirmOrder } from './confirm-order.job.ts';
import { NightlyJobs } from './nightly.jobs.ts';
import { OrdersController } from './orders.controller.ts';
import { ShipOrder } from './ship-order.job.ts';

@Configuration({
  httpsPort: false,
  middlewares: ['json-parser'],
  mount: { '/': [OrdersController] },
  imports: [
    ConfirmOrder,
    NightlyJobs,
    ShipOrder,
    MonqueModule.forRoot({
      connection: () => inject<MongooseService>(MongooseService).get(),
      collectionName: 'jobs',
    }),
  ],
})
export class Server {}
