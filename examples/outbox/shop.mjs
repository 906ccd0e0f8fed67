// The shop takes orders and tells the billing of them: node examples/outbox/shop.mjs
import { Monque } from '@monque/core';
import { MongoClient } from 'mongodb';

const { MONGODB_URI, BILLING_URL } = process.env;
const client = await new MongoClient(MONGODB_URI).connect();
const db = client.db();
const orders = db.collection('orders');
// A short lease, so that what a killed shop has left behind is taken over soon.
const monque = new Monque(db, { collectionName: 'shop_jobs', leaseDuration: 1_500 });

const outbox = monque.outbox('order-events', {
  publish: async (messages, { signal }) => {
    const body = JSON.stringify(messages);
    const response = await fetch(BILLING_URL, { method: 'POST', body, signal });
    if (!response.ok) throw new Error(`The billing answered ${response.status}`);
  },
  backoff: { type: 'fixed', delay: 100 },
  maxRetries: 1_000,
});

// The order and the message of it are stored together, or not at all.
async function placeOrder(number, customer) {
  await monque.transaction(async (session) => {
    const isKnown = await orders.findOne({ _id: number }, { session });
    if (isKnown) return;
    await orders.insertOne({ _id: number, customer }, { session });
    const message = { key: customer, id: `order-${number}`, data: { number } };
    await outbox.add(message, { session });
    if (number % 5 === 0) throw new Error('Out of stock');
  });
}

process.once('SIGTERM', async () => {
  await monque.stop();
  await client.close();
});
await monque.start();
for (let number = 1; number <= 20; number += 1) {
  await placeOrder(number, `customer-${number % 3}`).catch((error) => {
    if (error.message !== 'Out of stock') throw error;
  });
}
console.log('All orders are placed.');
