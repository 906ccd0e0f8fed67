/**
 * Confirms an order, and has it shipped then.
 *
 * @module
 */
import { Job, MonqueService } from '@monque/tsed';
import { contextLogger, Inject } from '@tsed/di';
import type { MongooseModel } from '@tsed/mongoose';
import { Required } from '@tsed/schema';
import { Order } from './order.model.ts';
import { ShipOrder } from './ship-order.job.ts';

/** What the job works on. */
export class OrderReference {
  @Required()
  orderId!: string;
}

@Job({ name: 'confirm-order', model: OrderReference, concurrency: 10 })
export class ConfirmOrder {
  @Inject(Order)
  private readonly orders!: MongooseModel<Order>;

  constructor(private readonly jobs: MonqueService) {}

  async handle(job: Job<OrderReference>): Promise<void> {
    const { orderId } = job.data;
    await this.orders.findByIdAndUpdate(orderId, { status: 'confirmed' });
    await this.jobs.enqueue(ShipOrder, { orderId }, { uniqueKey: orderId });
    contextLogger().info({ event: 'ORDER_CONFIRMED', orderId });
  }
}
