import { ConnectionError, MongoLedgerRepository, Monque } from '@monque/core';
import { ManualClock } from '@monque/core/testing';
import { DITest, inject, injector, Provider } from '@tsed/di';
import { MongooseService } from '@tsed/mongoose';
import type { Db } from 'mongodb';
import mongoose, { type Connection } from 'mongoose';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { uriOf } from '../../core/test/package/mongo-uri.ts';
import {
  cleanupTestDb,
  closeMongoDb,
  describeWithMongo,
  getTestDb,
} from '../../core/test/setup/mongodb.ts';
import { until } from '../../core/test/setup/until.ts';
import { Cron, Job, type MonqueModuleOptions } from '../src/index.ts';
import { bootWith, endApplications } from './boot.ts';

describeWithMongo('on a real Mongoose connection', () => {
  endApplications();

  let db: Awaited<ReturnType<typeof getTestDb>>;
  const opened: Connection[] = [];

  beforeEach(async () => {
    db = await getTestDb('tsed');
  });

  afterEach(async () => {
    for (const connection of opened.splice(0)) await connection.close();
    await cleanupTestDb(db);
  });

  afterAll(closeMongoDb);

  function open(): Connection {
    const connection = mongoose.createConnection(uriOf(db.databaseName));
    opened.push(connection);
    return connection;
  }

  /** A job that writes through a connection, but not before it is told to. */
  function declareWriter(connectionOf: () => Connection): { readonly goOn: () => void } {
    let goOn = (): void => undefined;
    const done = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    @Job({ name: 'write', maxRetries: 1 })
    class Write {
      async handle(job: Job): Promise<string> {
        await done;
        await connectionOf().collection('written').insertOne({ jobId: job._id });
        return 'written';
      }
    }
    expect(Write).toBeDefined();
    return { goOn: () => goOn() };
  }

  async function startJob(monque: Monque): Promise<Job['_id']> {
    const started = new Promise((resolve) => monque.once('job:start', resolve));
    const { _id } = await monque.enqueue('write');
    await started;
    return _id;
  }

  const ofMongoose = (): Connection => inject<MongooseService>(MongooseService).get() as Connection;

  function bootOnMongoose(options: MonqueModuleOptions = {}): Promise<Monque> {
    const monque = { connection: ofMongoose, ...options };
    return bootWith({ mongoose: { url: uriOf(db.databaseName) }, monque } as never);
  }

  /** Lets the scheduler give up what it cannot record any more. */
  async function passTime(clock: ManualClock, ending: Promise<void>): Promise<void> {
    let hasEnded = false;
    const ended = ending.then(() => {
      hasEnded = true;
    });
    await until('the end', () => clock.advance(1_000).then(() => hasEnded));
    await ended;
  }

  test.each([
    ['is open', async () => open().asPromise()],
    ['still connects', async () => open()],
    ['is made by a function', async () => () => open()],
    ['is promised by a function', async () => () => open().asPromise()],
  ])('jobs run when it %s', async (_, connectionOf) => {
    const connection = (await connectionOf()) as Connection;
    const { goOn } = declareWriter(() => opened[0] as Connection);
    goOn();
    const monque = await bootWith({ monque: { connection } });
    expect(await monque.waitFor(await monque.enqueue('write'))).toBe('written');
    expect(await db.collection('monque_jobs').countDocuments()).toBe(1);
  });

  test('jobs run on its Db, and on a ledger on that', async () => {
    const connection = await open().asPromise();
    const source = connection.db as never;
    for (const given of [source, new MongoLedgerRepository(source)]) {
      const monque = await bootWith({ monque: { connection: given, processJobs: false } });
      expect((await monque.enqueue('any')).status).toBe('pending');
    }
  });

  test('one that was closed is refused', async () => {
    const connection = await open().asPromise();
    await connection.close();
    const booting = bootWith({ monque: { connection } });
    await expect(booting).rejects.toThrow(ConnectionError);
    await expect(booting).rejects.toThrow('was never opened, or is closed (readyState 0)');
  });

  test.each([
    ['it was given', ofMongoose],
    ['its Db was given', (): Db => ofMongoose().db as Db],
  ])('jobs that run end before @tsed/mongoose closes its connection when %s', async (_, given) => {
    const { goOn } = declareWriter(ofMongoose);
    const monque = await bootOnMongoose({ connection: given });
    const connection = ofMongoose();
    const jobId = await startJob(monque);
    const ending = injector().destroy();
    expect(connection.readyState).toBe(1);
    goOn();
    await ending;
    expect(connection.readyState).toBe(0);
    const job = await db.collection('monque_jobs').findOne({ _id: jobId });
    expect(job).toMatchObject({ status: 'completed', result: 'written' });
    expect(await db.collection('written').countDocuments({ jobId })).toBe(1);
  });

  test('the connections of @tsed/mongoose are waited for, whichever package was imported first', async () => {
    const token = Symbol.for('MONGOOSE_CONNECTIONS');
    const provider = Provider.Registry.get(token) as Provider;
    Provider.Registry.delete(token);
    Provider.Registry.set(token, provider);
    expect([...Provider.Registry.keys()].at(-1)).toBe(token);
    expect((await bootOnMongoose()).isHealthy()).toBe(true);
  });

  test('jobs that run would lose that connection if the order were not kept', async () => {
    const connections: Connection[] = [];
    const { goOn } = declareWriter(() => connections[0] as Connection);
    const clock = new ManualClock();
    const monque = await bootOnMongoose({ clock });
    const connection = ofMongoose();
    connections.push(connection);
    const service = injector().get<MongooseService>(MongooseService) as MongooseService;
    service.closeConnections = MongooseService.prototype.closeConnections;
    connection.close = mongoose.Connection.prototype.close;
    const jobId = await startJob(monque);
    const closed = new Promise((resolve) => connection.once('close', resolve));
    const ending = injector().destroy();
    await closed;
    goOn();
    await passTime(clock, ending);
    const job = await db.collection('monque_jobs').findOne({ _id: jobId });
    expect(job?.status).toBe('processing');
    expect(await db.collection('written').countDocuments()).toBe(0);
  });

  test('jobs that run end before a connection is closed that the application opened', async () => {
    const connection = await open().asPromise();
    const { goOn } = declareWriter(() => connection);
    const monque = await bootWith({ monque: { connection } });
    const jobId = await startJob(monque);
    const closing = connection.close();
    expect(connection.readyState).toBe(1);
    goOn();
    await closing;
    expect(connection.readyState).toBe(0);
    const job = await db.collection('monque_jobs').findOne({ _id: jobId });
    expect(job).toMatchObject({ status: 'completed', result: 'written' });
  });

  test('a connection is as it was when the application has ended', async () => {
    const connection = await open().asPromise();
    const { close } = connection;
    await bootWith({ monque: { connection } });
    expect(connection.close).not.toBe(close);
    await injector().destroy();
    expect(connection.close).toBe(close);
  });

  test('one series stands for a job, however many applications boot', async () => {
    @Job('clean-up')
    @Cron('0 3 * * *')
    class CleanUp {
      handle(): void {}
    }
    const connection = await open().asPromise();
    const ids: unknown[] = [];
    for (let boots = 0; boots < 3; boots += 1) {
      const monque = await bootWith({ monque: { connection } });
      const schedules = await monque.getSchedules();
      ids.push(...schedules.map(({ jobId }) => jobId.toHexString()));
      await DITest.reset();
    }
    expect(ids).toEqual(Array(3).fill(ids[0]));
    expect(CleanUp).toBeDefined();
  });
});
