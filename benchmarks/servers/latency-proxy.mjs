/**
 * A proxy that makes a server seem far away: what a client sends reaches the server so many milliseconds later.
 * Started as `node latency-proxy.mjs <port of the server> <milliseconds>`; sends its own port to its parent.
 *
 * @module
 */
import { connect, createServer } from 'node:net';

const [serverPort, latencyMs] = process.argv.slice(2).map(Number);

const proxy = createServer({ noDelay: true }, (client) => {
  const server = connect({ host: '127.0.0.1', port: serverPort, noDelay: true });
  const end = () => {
    client.destroy();
    server.destroy();
  };
  client.on('data', (chunk) => deliver(() => server.writable && server.write(chunk)));
  server.on('data', (chunk) => client.writable && client.write(chunk));
  for (const socket of [client, server]) socket.on('error', end).on('close', end);
});

/** Timers of one length end in the order in which they began, so nothing overtakes. */
function deliver(write) {
  if (latencyMs === 0) write();
  else setTimeout(write, latencyMs);
}

proxy.listen(0, '127.0.0.1', () => process.send(proxy.address().port));
process.once('disconnect', () => process.exit());
