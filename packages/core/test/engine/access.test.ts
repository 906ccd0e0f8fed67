import { describe, expect, test } from 'vitest';
import {
  AccessDeniedError,
  type AccessQuestion,
  gate,
  InMemoryLedgerRepository,
  InvalidArgumentError,
  Monque,
  stage,
} from '../../src/index.ts';
import { ManualClock, makeJob } from '../../src/testing/index.ts';
import { deferred, makeOne, payloads } from './kit.ts';

/** A hook that lets everybody do everything with mails, and keeps what it was asked. */
function mailsOnly() {
  const asked: AccessQuestion[] = [];
  const may = (question: AccessQuestion): boolean => {
    asked.push(question);
    return question.name === 'mail';
  };
  return { access: { may }, asked };
}

async function denied(promise: Promise<unknown>): Promise<AccessDeniedError> {
  const error: unknown = await promise.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(AccessDeniedError);
  return error as AccessDeniedError;
}

describe('a scheduler as an actor', () => {
  test('does what the actor may, under the id of the actor', async () => {
    const { access, asked } = mailsOnly();
    const { monque } = makeOne({ access });
    const acting = monque.as({ id: 'anna' });
    const { _id } = await acting.enqueue('mail', 'data');
    await acting.rescheduleJob(_id, new Date(0));
    await acting.cancelJob(_id, { reason: 'not wanted' });
    await acting.retryJob(_id);
    expect((await acting.getHistory(_id)).map(({ verb, by }) => [verb, by])).toEqual([
      ['amend', 'anna'],
      ['cancel', 'anna'],
      ['redrive', 'anna'],
    ]);
    expect(await acting.deleteJob(_id)).toBe(true);
    expect(asked.map(({ verb }) => verb)).toEqual([
      ...['enqueue', 'amend', 'cancel', 'redrive', 'readHistory', 'remove'],
    ]);
    expect(
      asked.every(({ actor, name }) => (actor as { id: string }).id === 'anna' && name === 'mail'),
    ).toBe(true);
  });

  test('is refused what the actor may not, before anything is done', async () => {
    const { access } = mailsOnly();
    const { monque, events } = makeOne({ access });
    const job = await monque.enqueue('bill', 'data');
    const acting = monque.as('anna');
    const calls: (() => Promise<unknown>)[] = [
      () => acting.getJob(job._id),
      () => acting.getHistory(job._id),
      () => acting.setMetadata(job._id, { a: 1 }),
      () => acting.cancelJob(job._id),
      () => acting.retryJob(job._id),
      () => acting.rescheduleJob(job._id, new Date(0)),
      () => acting.deleteJob(job._id),
      () => acting.openGate(job._id, 'checked', { evidence: true }),
      () => acting.enqueue('bill'),
      () => acting.now('bill'),
      () => acting.schedule('@daily', 'bill'),
      () => acting.unschedule('bill'),
      () => acting.getSchedules(),
      () => acting.getJobs(),
      () => acting.getJobs({ name: ['mail', 'bill'] }),
      () => acting.getJobsWithCursor({ name: 'bill' }),
      () => acting.cancelJobs({ name: 'bill' }),
      () => acting.retryJobs({}),
      () => acting.deleteJobs({ status: 'pending' }),
      () => acting.getQueueStats(),
      () => acting.pause('bill'),
      () => acting.resume('bill'),
    ];
    for (const call of calls) {
      const error = await denied(call());
      expect([error.code, error.actorId]).toEqual(['ACCESS_DENIED', 'anna']);
    }
    expect(await monque.getJobs()).toEqual([job]);
    expect(payloads(events, 'access:denied')).toHaveLength(calls.length);
    expect(payloads(events, 'access:denied')[0]).toEqual({
      actor: 'anna',
      verb: 'getJob',
      name: 'bill',
    });
    const unknown = await denied(acting.getJob('0'.repeat(24)));
    expect(unknown.message).toBe(
      "Actor 'anna' may not getJob jobs of any name; the hook `access.may` decides that",
    );
    expect(unknown.jobName).toBeUndefined();
    expect(payloads(events, 'access:denied').at(-1)).toEqual({ actor: 'anna', verb: 'getJob' });
  });

  test('opens a gate as itself, whomever the call names, and wakes the scheduler', async () => {
    const { access, asked } = mailsOnly();
    const { monque, clock } = makeOne({ access });
    monque.worker('mail', { stages: [gate('checked'), stage('send', () => 'sent')] });
    await monque.start();
    const { _id } = await monque.enqueue('mail');
    await clock.settle();
    const acting = monque.as('anna');
    await acting.openGate(_id, 'checked', { evidence: 'seen', by: 'somebody else' });
    expect(asked.map(({ verb, name }) => [verb, name])).toEqual([
      ['getJob', 'mail'],
      ['openGate', 'mail'],
    ]);
    await clock.settle();
    const job = await monque.getJob(_id);
    expect(job).toMatchObject({ status: 'completed', result: 'sent' });
    expect(job?.gates).toEqual([
      { name: 'checked', at: expect.any(Date), evidence: 'seen', by: 'anna' },
    ]);
    expect(job?.history?.at(-1)).toMatchObject({ verb: 'unblock', by: 'anna' });
    await monque.stop();
  });

  test('has every entry of many checked by its name', async () => {
    const { access } = mailsOnly();
    const { monque } = makeOne({ access });
    const results = await monque.as('anna').enqueueMany([{ name: 'mail' }, { name: 'bill' }]);
    expect(results.map(({ status }) => status)).toEqual(['failed', 'failed']);
    expect((await monque.getQueueStats()).total).toBe(0);
  });

  test('counts a job of a filter that the actor may see but not change, with the reason', async () => {
    const may = ({ verb }: AccessQuestion) => verb === 'findJobs';
    const { monque } = makeOne({ access: { may } });
    await monque.enqueue('mail');
    const result = await monque.as('anna').deleteJobs({ name: 'mail' });
    expect(result).toMatchObject({ matched: 1, changed: 0 });
    expect(result.left[0]?.reason).toMatch(/may not remove/);
  });

  test('waits for what the hook says, and takes nothing but true for a yes', async () => {
    const answers: unknown[] = [Promise.resolve(true), Promise.resolve(false), 'yes', undefined];
    const { monque } = makeOne({ access: { may: () => answers.shift() as boolean } });
    const acting = monque.as('anna');
    await acting.pause('mail');
    for (let count = 0; count < 3; count += 1) await denied(acting.pause('mail'));
    const failing = makeOne({ access: { may: () => Promise.reject(new Error('no answer')) } });
    await expect(failing.monque.as('anna').pause('mail')).rejects.toThrow('no answer');
  });

  test('runs jobs of the scheduler it comes from, and checks data by its workers', async () => {
    const { monque, clock } = makeOne();
    monque.worker('work', () => 'done');
    await monque.start();
    const acting = monque.as('anna');
    const job = await acting.enqueue('work');
    const result = acting.waitFor(job);
    await clock.advance(1_000);
    expect(await result).toBe('done');
    const waiting = await acting.enqueue('other');
    const wait = acting.waitFor(waiting).catch((error: Error) => error);
    await clock.settle();
    await acting.cancelJob(waiting._id);
    expect(await wait).toMatchObject({ reason: 'cancelled' });
    await monque.stop();
  });

  test('aborts a running handler at once', async () => {
    const { monque, clock } = makeOne();
    let aborted = false;
    monque.worker('work', (_job, { signal }) => {
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          aborted = true;
          reject(signal.reason);
        });
      });
    });
    await monque.start();
    const { _id } = await monque.enqueue('work');
    await clock.advance(10);
    await monque.as('anna').cancelJob(_id);
    await monque.as('anna').pause('work');
    await clock.advance(100);
    expect(aborted).toBe(true);
    expect((await monque.getJob(_id))?.status).toBe('cancelled');
    expect(await monque.getHistory(_id)).toMatchObject([
      { verb: 'requestCancel', by: 'anna' },
      { verb: 'cancelled' },
    ]);
    await monque.stop();
  });

  test('hears at once of what ends in this process', async () => {
    const { monque, clock } = makeOne();
    const end = deferred();
    monque.worker('work', () => end.promise);
    await monque.start();
    const acting = monque.as('anna');
    const job = await acting.enqueue('work');
    let hasAnswered = false;
    const wait = acting.waitFor(job).then(() => {
      hasAnswered = true;
    });
    await clock.advance(1_001);
    expect(hasAnswered).toBe(false);
    end.resolve();
    await clock.advance(1);
    expect(hasAnswered).toBe(true);
    await wait;
    await monque.stop();
  });

  test('waits for the jobs it may see, and is refused at once for others', async () => {
    const { access, asked } = mailsOnly();
    const { monque } = makeOne({ access });
    const [mail, bill] = [await monque.enqueue('mail'), await monque.enqueue('bill')];
    const acting = monque.as('anna');
    const wait = acting.waitFor(mail, { timeout: 0 });
    await expect(wait).rejects.toMatchObject({ reason: 'timeout' });
    expect(asked).toEqual([{ actor: 'anna', verb: 'getJob', name: 'mail' }]);
    expect(await denied(acting.waitFor(bill))).toMatchObject({ verb: 'getJob', jobName: 'bill' });
  });

  test('looks into jobs and schedulers where it may', async () => {
    const { monque } = makeOne();
    const { _id } = await monque.enqueue('mail');
    const acting = monque.as('anna');
    expect((await acting.explain(_id)).jobId).toEqual(_id);
    expect((await acting.inspect()).names).toMatchObject([{ name: 'mail' }]);
    expect(await acting.audit()).toMatchObject({ audited: 1, isComplete: true });
    const limited = makeOne({ access: { may: ({ name }) => name === 'mail' } });
    const bill = await limited.monque.enqueue('bill');
    const refused = limited.monque.as('anna');
    expect(await denied(refused.explain(bill._id))).toMatchObject({ jobName: 'bill' });
    expect(await denied(refused.inspect())).toMatchObject({ verb: 'readLeases' });
    expect(await denied(refused.audit({ repair: true }))).toMatchObject({ verb: 'findJobs' });
  });

  test('says what it may, without doing it or reporting a refusal', async () => {
    const { access, asked } = mailsOnly();
    const { monque, events } = makeOne({ access });
    const acting = monque.as('anna');
    expect(await acting.can('cancel', 'mail')).toBe(true);
    expect(await acting.can('cancel', 'bill')).toBe(false);
    expect(await acting.can('readLeases')).toBe(false);
    expect(asked).toEqual([
      { actor: 'anna', verb: 'cancel', name: 'mail' },
      { actor: 'anna', verb: 'cancel', name: 'bill' },
      { actor: 'anna', verb: 'readLeases' },
    ]);
    expect(payloads(events, 'access:denied')).toEqual([]);
    await expect(acting.can('' as never)).rejects.toThrow(InvalidArgumentError);
    await expect(acting.can('cancel', '')).rejects.toThrow(InvalidArgumentError);
    expect(await monque.can('cancel', 'bill')).toBe(true);
  });

  test('is asked for by the hook of the ledger where the scheduler has none', async () => {
    const ledger = new InMemoryLedgerRepository({ access: mailsOnly().access });
    const acting = new Monque(ledger).as('anna');
    expect(await acting.can('cancel', 'mail')).toBe(true);
    expect(await acting.can('cancel', 'bill')).toBe(false);
  });

  test('has the verbs on jobs and no others', () => {
    const { monque } = makeOne();
    const acting = monque.as('anna');
    expect(Object.isFrozen(acting)).toBe(true);
    expect(acting).not.toHaveProperty('start');
    expect(acting).not.toHaveProperty('worker');
    expect(acting).not.toHaveProperty('as');
  });

  test.each([[''], [undefined], [null], [{}], [{ id: '' }], [7], ['x'.repeat(257)]])(
    'is not made for %s',
    (actor) => {
      const { monque } = makeOne();
      expect(() => monque.as(actor as never)).toThrow(InvalidArgumentError);
    },
  );
});

describe('a ledger as an actor', () => {
  const clock = new ManualClock();
  const now = new Date(clock.now());

  test('asks the hook it was given, also where several jobs are concerned', async () => {
    const { access, asked } = mailsOnly();
    const ledger = new InMemoryLedgerRepository({ clock, access });
    const [mail, bill] = [makeJob({ name: 'mail' }), makeJob({ name: 'bill' })];
    await ledger.enqueue({ jobs: [mail, bill] });
    const view = ledger.as('anna');
    await denied(view.enqueue({ jobs: [makeJob({ name: 'mail' }), makeJob({ name: 'bill' })] }));
    const claim = { instanceId: 'a', claimToken: 't', now, suspects: false, widening: 1 };
    await denied(view.claim({ ...claim, demand: [{ name: 'bill', limit: 1 }] }));
    const { jobs } = await ledger.claim({
      ...claim,
      demand: [
        { name: 'mail', limit: 1 },
        { name: 'bill', limit: 1 },
      ],
    });
    const settlements = jobs.map(
      ({ _id, fence }) => ({ verb: 'complete', jobId: _id, claimToken: 't', fence }) as const,
    );
    await denied(view.settle({ settlements, now }));
    expect((await ledger.getJob({ jobId: mail._id }))?.status).toBe('processing');
    const ours = settlements.filter(({ jobId }) => jobId.equals(mail._id));
    expect(await view.settle({ settlements: ours, now })).toEqual({ answers: ['settled'] });
    await denied(view.nextDue({ names: ['mail', 'bill'], after: now, until: now }));
    await denied(view.readLeases());
    expect(asked.map(({ verb }) => verb)).toContain('readLeases');
    await denied(
      view.completeInSession({
        settlement: { verb: 'complete', jobId: bill._id, claimToken: 't', fence: 1 },
        now,
        session: {} as never,
      }),
    );
  });

  test('asks for every job a call concerns, whatever else the call says', async () => {
    const { access } = mailsOnly();
    const ledger = new InMemoryLedgerRepository({ clock, access });
    const bill = makeJob({ name: 'bill' });
    await ledger.enqueue({ jobs: [bill] });
    const disguised = { jobId: bill._id, now, name: 'mail', filter: { names: ['mail'] } };
    await denied(ledger.as('anna').cancel(disguised));
    expect((await ledger.getJob({ jobId: bill._id }))?.status).toBe('pending');
  });

  test('is a ledger like any other, and open to all without a hook', async () => {
    const ledger = new InMemoryLedgerRepository({ clock });
    const view = ledger.as('anna');
    await view.open();
    expect(await view.readTime()).toEqual(now);
    const watch = await view.watch(() => undefined);
    await watch.close();
    expect(view.brand).toBe(ledger.brand);
    expect(await view.readPaused()).toEqual([]);
    await view.close();
  });

  test('is asked for both actors where it is a view of a view, and bears the id of the first', async () => {
    const seen: unknown[] = [];
    const may = ({ actor }: AccessQuestion): boolean => seen.push(actor) > 0;
    const ledger = new InMemoryLedgerRepository({ clock, access: { may } });
    const job = makeJob({ name: 'mail' });
    await ledger.enqueue({ jobs: [job] });
    await ledger.as('first').as('second').cancel({ jobId: job._id, now, by: 'somebody' });
    expect(new Set(seen)).toEqual(new Set(['first', 'second']));
    expect((await ledger.getJob({ jobId: job._id }))?.history?.[0]?.by).toBe('first');
  });
});
