// The billing writes one bill for each order it is told of: node examples/outbox/billing.mjs
import { once } from 'node:events';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { Monque } from '@monque/core';
import { MongoClient } from 'mongodb';

const { MONGODB_URI, PORT } = process.env;
const client = await new MongoClient(MONGODB_URI).connect();
const db = client.db();
const monque = new Monque(db, { collectionName: 'billing_jobs' });
const inbox = monque.inbox('order-events');

// A message may come again: the bill, its number and the memory of the message are one transaction.
async function receive({ id, key, data }) {
  await monque.transaction((session) =>
    inbox.once(id, session, async () => {
      const counter = await db
        .collection('counters')
        .findOneAndUpdate(
          { _id: 'bills' },
          { $inc: { last: 1 } },
          { session, upsert: true, returnDocument: 'after' },
        );
      const bill = { _id: counter.last, customer: key, order: data.number };
      await db.collection('bills').insertOne(bill, { session });
    }),
  );
}

const server = createServer(async (request, response) => {
  try {
    for (const message of await json(request)) await receive(message);
    response.writeHead(204).end();
  } catch (error) {
    response.writeHead(500).end(error.message);
  }
});
server.listen(Number(PORT), '127.0.0.1');
await once(server, 'listening');
console.log('The billing listens.');

process.once('SIGTERM', async () => {
  server.close();
  server.closeAllConnections();
  await monque.stop();
  await client.close();
});
