/**
 * The orders over HTTP.
 *
 * @module
 */
import { MonqueService } from '@monque/tsed';
import { Controller, Inject } from '@tsed/di';
import type { MongooseModel } from '@tsed/mongoose';
import { BodyParams, PathParams } from '@tsed/platform-params';
import { Get, Post, Required, Status } from '@tsed/schema';
import { ConfirmOrder } from './confirm-order.job.ts';
import { Order } from './order.model.ts';

/** What a request to the orders is answered with. */
interface OrderAnswer {
  readonly id: string;
  readonly status: string;
}

@Controller('/orders')
export class OrdersController {
  @Inject(Order)
  private readonly orders!: MongooseModel<Order>;

  constructor(private readonly jobs: MonqueService) {}

  @Post('/')
  @Status(202)
  async place(@BodyParams('customer') @Required() customer: string): Promise<OrderAnswer> {
    const order = await this.orders.create({ customer, status: 'placed' });
    await this.jobs.enqueue(ConfirmOrder, { orderId: String(order._id) });
    return { id: String(order._id), status: order.status };
  }

  @Get('/:id')
  async read(@PathParams('id') id: string): Promise<OrderAnswer> {
    const order = await this.orders.findById(id).orFail();
    return { id, status: order.status };
  }
}
