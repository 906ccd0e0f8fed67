import { MongoClient } from 'mongodb';
import type { TestProject } from 'vitest/node';
import { type FoundMongo, findMongod } from './find-mongod.ts';
import { startReplicaSet } from './replica-set.ts';

const SKIP_NOTICE = `
==========================================================================================
 MONQUE_TEST_MONGODB=skip: NO MONGODB IS USED IN THIS RUN.
 Left out: everything that needs a real server, which is the MongoDB ledger, its indexes,
 transactions and change streams, failover and network faults. They are shown as skipped.
 The coverage thresholds cannot be reached. A green run says nothing about MongoDB.
==========================================================================================
`;

let stopServer: (() => Promise<void>) | undefined;

/** Runs once before all projects, because the configuration names it at its root. */
export async function setup(project: TestProject): Promise<void> {
  const mode = process.env.MONQUE_TEST_MONGODB;
  if (mode && mode !== 'skip') {
    throw new Error(`Expected MONQUE_TEST_MONGODB to be 'skip' or not set, got '${mode}'`);
  }
  if (mode === 'skip') {
    console.log(SKIP_NOTICE);
    project.provide('mongoUri', '');
    project.provide('mongodBinary', '');
    return;
  }
  const found = await findMongod();
  project.provide('mongoUri', await start(found));
  project.provide('mongodBinary', found.kind === 'binary' ? found.binary : '');
}

export async function teardown(): Promise<void> {
  await stopServer?.();
}

async function start(found: FoundMongo): Promise<string> {
  if (found.kind === 'server') {
    stopServer = found.stop;
    await assertReplicaSet(found.uri);
    return found.uri;
  }
  const replicaSet = await startReplicaSet({ binary: found.binary });
  stopServer = () => replicaSet.stop();
  return replicaSet.uri;
}

async function assertReplicaSet(uri: string): Promise<void> {
  const client = new MongoClient(uri, { serverSelectionTimeoutMS: 5_000 });
  try {
    const hello = await client.db('admin').command({ hello: 1 });
    if (hello.setName || hello.msg === 'isdbgrid') return;
  } catch (error) {
    throw new Error(`The MongoDB for the tests does not answer: ${(error as Error).message}`);
  } finally {
    await client.close();
  }
  throw new Error('The MongoDB for the tests is not a replica set, which transactions need');
}
