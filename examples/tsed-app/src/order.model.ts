/**
 * An order, as it is kept in MongoDB through Mongoose.
 *
 * @module
 */
import { Model, ObjectID } from '@tsed/mongoose';
import { Enum, Format, Required } from '@tsed/schema';

@Model({ collection: 'orders' })
export class Order {
  @ObjectID('id')
  _id!: string;

  @Required()
  @Format('email')
  customer!: string;

  @Required()
  @Enum('placed', 'confirmed', 'shipped')
  status!: 'placed' | 'confirmed' | 'shipped';
}
