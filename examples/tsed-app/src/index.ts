/**
 * Starts the application: `MONGODB_URI` names its database, `PORT` where it listens.
 *
 * @module
 */
import { PlatformExpress } from '@tsed/platform-express';
import { Server } from './server.ts';

const platform = await PlatformExpress.bootstrap(Server, {
  httpPort: `127.0.0.1:${process.env.PORT ?? 8080}`,
  mongoose: [
    {
      id: 'default',
      url: process.env.MONGODB_URI ?? 'mongodb://127.0.0.1:27017/shop?replicaSet=rs0',
    },
  ],
});
await platform.listen();

// Lets running jobs end, and closes the connection of Mongoose then.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => platform.stop());
}
