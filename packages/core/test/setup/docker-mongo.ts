import { connect, type NetConnectOpts } from 'node:net';
import { within } from './until.ts';

const IMAGE = 'mongo:8.0';
const PROBE_MS = 3_000;
const START_MS = 180_000;

export interface DockerMongo {
  readonly uri: string;
  stop(): Promise<void>;
}

/** Starts a replica set of one member in Docker; fails within seconds where no daemon answers. */
export async function startDockerMongo(env: NodeJS.ProcessEnv): Promise<DockerMongo> {
  if (env.DOCKER_HOST) await probe(env.DOCKER_HOST);
  const { MongoDBContainer } = await import('@testcontainers/mongodb');
  const container = new MongoDBContainer(IMAGE)
    // The image's own entry point; testcontainers adds `--replSet`, and leaves no other way in.
    .withEntrypoint(['docker-entrypoint.sh', '--setParameter', 'enableTestCommands=1'])
    .start();
  const started = await within(`Starting ${IMAGE}`, container, START_MS);
  return {
    // The member advertises a host name that only the container knows.
    uri: `${started.getConnectionString()}/?directConnection=true`,
    stop: async () => {
      await started.stop();
    },
  };
}

function probe(dockerHost: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(addressOf(dockerHost));
    const fail = (reason: string): void => {
      socket.destroy();
      reject(new Error(`DOCKER_HOST=${dockerHost} does not answer: ${reason}`));
    };
    socket.setTimeout(PROBE_MS, () => fail(`silent for ${PROBE_MS} ms`));
    socket.once('error', (error) => fail(error.message));
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
  });
}

function addressOf(dockerHost: string): NetConnectOpts {
  const { protocol, hostname, port, pathname } = new URL(dockerHost);
  if (hostname === '') return { path: pathname };
  return { host: hostname, port: Number(port) || (protocol === 'ssh:' ? 22 : 2375) };
}
