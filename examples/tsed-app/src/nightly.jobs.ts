/**
 * What happens once a night.
 *
 * @module
 */
import { Cron, Job, JobController } from '@monque/tsed';
import { Inject } from '@tsed/di';
import type { MongooseModel } from '@tsed/mongoose';
import { Order } from './order.model.ts';

@JobController('nightly')
export class NightlyJobs {
  @Inject(Order)
  private readonly orders!: MongooseModel<Order>;

  @Job('count-orders')
  @Cron('0 3 * * *', { timezone: 'Europe/Berlin' })
  async countOrders(): Promise<number> {
    return this.orders.countDocuments();
  }
}
