import { InMemoryLedgerRepository, type JobContext } from '@monque/core';
import {
  context,
  contextLogger,
  DIContext,
  Inject,
  Injectable,
  injector,
  ProviderScope,
  runInContext,
  Scope,
} from '@tsed/di';
import { describe, expect, test } from 'vitest';
import { currentJob, currentJobContext, InjectJob, Job } from '../src/index.ts';
import { boot, endApplications, type LogEntry } from './boot.ts';

endApplications();

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

describe('a job', () => {
  test('is known to everything that its handler calls, and to nothing outside of it', async () => {
    @Injectable()
    class Audit {
      @InjectJob()
      readonly job: Job | undefined;

      read(): unknown[] {
        const { fence } = currentJobContext() as JobContext;
        return [this.job?.name, currentJob()?._id.toHexString(), fence];
      }
    }
    @Job('audited')
    class Audited {
      constructor(readonly audit: Audit) {}

      async handle(): Promise<unknown[]> {
        await Promise.resolve();
        return this.audit.read();
      }
    }
    const monque = await boot();
    const job = await monque.enqueue('audited');
    expect(await monque.waitFor(job)).toEqual(['audited', job._id.toHexString(), 1]);
    expect(injector().get<Audit>(Audit)?.job).toBeUndefined();
    expect([currentJob(), currentJobContext()]).toEqual([undefined, undefined]);
    expect(Audited).toBeDefined();
  });

  test('is given its context and its signal by the scheduler', async () => {
    @Job('signalled')
    class Signalled {
      handle(_job: Job, { signal, fence }: JobContext): unknown {
        return { aborted: signal.aborted, fence };
      }
    }
    const monque = await boot();
    const job = await monque.enqueue('signalled');
    expect(await monque.waitFor(job)).toEqual({ aborted: false, fence: 1 });
    expect(Signalled).toBeDefined();
  });

  test('that an enqueue in a request wakes does not run in the context of the request', async () => {
    @Job('woken')
    class Woken {
      handle(): unknown {
        const $ctx = context();
        return { id: $ctx.id, user: $ctx.get('user') ?? 'nobody' };
      }
    }
    const monque = await boot({ pollInterval: 60_000 });
    const $request = new DIContext({ id: 'request', logger: injector().logger });
    $request.set('user', 'alice');
    const { job, during } = await runInContext($request, async () => ({
      job: await monque.enqueue('woken'),
      during: context().id,
    }));
    expect(during).toBe('request');
    expect(await monque.waitFor(job)).toEqual({ id: job._id.toHexString(), user: 'nobody' });
    expect(Woken).toBeDefined();
  });

  test('logs with its fields, at once', async () => {
    const log: LogEntry[] = [];
    @Job('talkative')
    class Talkative {
      handle(): number {
        contextLogger().info({ event: 'HALF_WAY' });
        return log.length;
      }
    }
    const monque = await boot({}, log);
    const job = await monque.enqueue('talkative');
    expect(await monque.waitFor(job)).toBe(1);
    expect(log).toMatchObject([
      {
        level: 'info',
        event: 'HALF_WAY',
        jobId: job._id.toHexString(),
        jobName: 'talkative',
        fence: 1,
        failCount: 0,
      },
    ]);
    expect(Talkative).toBeDefined();
  });
});

describe('what has the scope of a request', () => {
  const destroyed: number[] = [];
  let made = 0;

  function declare(onDestroy: (serial: number) => void): void {
    @Injectable()
    @Scope(ProviderScope.REQUEST)
    class Unit {
      readonly serial = ++made;

      constructor(readonly $ctx: DIContext) {}

      $onDestroy(): void {
        onDestroy(this.serial);
      }
    }
    @Job('scoped')
    @Scope(ProviderScope.REQUEST)
    class Scoped {
      @Inject()
      readonly again!: Unit;

      constructor(readonly unit: Unit) {}

      handle(job: Job): unknown {
        const isOfThisJob = this.unit.$ctx.id === job._id.toHexString();
        return { serial: this.unit.serial, isOfThisJob, isOne: this.unit === this.again };
      }
    }
    expect(Scoped).toBeDefined();
  }

  test('is made again for each job and destroyed after it', async () => {
    made = 0;
    declare((serial) => destroyed.push(serial));
    const monque = await boot({ defaultConcurrency: 1 });
    const first = await monque.waitFor(await monque.enqueue('scoped'));
    const second = await monque.waitFor(await monque.enqueue('scoped'));
    expect(first).toEqual({ serial: 1, isOfThisJob: true, isOne: true });
    expect(second).toEqual({ serial: 2, isOfThisJob: true, isOne: true });
    expect(destroyed).toEqual([1, 2]);
  });

  test('sees its job when it is destroyed, and not the request that woke the job', async () => {
    made = 0;
    const seen: unknown[] = [];
    declare(() => seen.push(currentJob()?.name, context().id));
    const monque = await boot({ pollInterval: 60_000 });
    const $request = new DIContext({ id: 'request', logger: injector().logger });
    const job = await runInContext($request, () => monque.enqueue('scoped'));
    await monque.waitFor(job);
    expect(seen).toEqual(['scoped', job._id.toHexString()]);
  });

  test.each([
    ['an error', new Error('cannot let go'), 'cannot let go'],
    ['nothing', undefined, 'undefined'],
    ['a text', 'no more', 'no more'],
    ['what is no text', Object.create(null), 'What was thrown has no text'],
    ['a proxy that was revoked', revoked(), 'What was thrown has no text'],
  ])(
    'fails no job when it throws %s as it is destroyed, and is logged',
    async (_, thrown, text) => {
      made = 0;
      declare(() => {
        throw thrown;
      });
      const log: LogEntry[] = [];
      const monque = await boot({}, log);
      const job = await monque.enqueue('scoped');
      expect(await monque.waitFor(job)).toMatchObject({ serial: 1 });
      expect(log).toMatchObject([
        { event: 'MONQUE_CONTEXT_DESTROY_ERROR', error_message: text, jobName: 'scoped' },
      ]);
    },
  );

  test('is destroyed after a job that fails, too', async () => {
    const ended: string[] = [];
    @Injectable()
    @Scope(ProviderScope.REQUEST)
    class Unit {
      $onDestroy(): void {
        ended.push('destroyed');
      }
    }
    @Job({ name: 'failing', maxRetries: 1 })
    @Scope(ProviderScope.REQUEST)
    class Failing {
      constructor(readonly unit: Unit) {}

      handle(): void {
        throw new Error('on purpose');
      }
    }
    const monque = await boot({ connection: new InMemoryLedgerRepository() });
    const job = await monque.enqueue('failing');
    await expect(monque.waitFor(job)).rejects.toThrow('on purpose');
    expect(ended).toEqual(['destroyed']);
    expect(Failing).toBeDefined();
  });
});
