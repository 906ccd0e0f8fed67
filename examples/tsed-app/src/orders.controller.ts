/**
 * The orders over HTTP.
 *
 * @module
 */
import { MonqueService } from '@monque/tsed';
import { Controller, Inject } from '@tsed/di';
import { NotFound } from '@tsed/exceptions';
import type { MongooseModel } from '@tsed/mongoose';
import { BodyParams, PathParams } from '@tsed/platform-params';
import { Get, Pattern, Post, Required, Status } from '@tsed/schema';
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
  async read(@PathParams('id') @Pattern(/^[0-9a-f]{24}$/) id: string): Promise<OrderAnswer> {
    const order = await this.orders.findById(id);
    if (order === null) throw new NotFound('There is no such order');
    return { id, status: order.status };
  }
}
