/**
 * Ships an order.
 *
 * @module
 */
import { Job, type JobContext } from '@monque/tsed';
import { Inject } from '@tsed/di';
import type { MongooseModel } from '@tsed/mongoose';
import { Order } from './order.model.ts';

@Job({ name: 'ship-order', maxRetries: 5, timeout: 60_000 })
export class ShipOrder {
  @Inject(Order)
  private readonly orders!: MongooseModel<Order>;

  async handle(job: Job<{ orderId: string }>, context: JobContext): Promise<string> {
    context.progress(50);
    await this.orders.findByIdAndUpdate(job.data.orderId, { status: 'shipped' });
    return 'shipped';
  }
}
