import { MonqueError } from '@monque/core';
import { Injectable, OverrideProvider, registerProvider } from '@tsed/di';
import { describe, expect, test } from 'vitest';
import { Cron, Every, Job, JobController } from '../src/index.ts';
import { boot, bootWith, endApplications, type LogEntry } from './boot.ts';

endApplications();

describe('a job is found', () => {
  test('whichever way round @Job and @Injectable stand', async () => {
    @Injectable()
    @Job('above')
    class Above {
      handle(): string {
        return 'above ran';
      }
    }
    @Job('below')
    @Injectable()
    class Below {
      handle(): string {
        return 'below ran';
      }
    }
    const monque = await boot();
    expect(await monque.waitFor(await monque.enqueue('above'))).toBe('above ran');
    expect(await monque.waitFor(await monque.enqueue('below'))).toBe('below ran');
    expect([Above, Below]).toHaveLength(2);
  });

  test('on methods, in the namespace of their class or in none', async () => {
    @JobController('email')
    class EmailJobs {
      readonly prefix = 'to';

      @Job('send')
      send(job: Job<string>): string {
        return `${this.prefix} ${job.data}`;
      }
    }
    @JobController()
    class PlainJobs {
      @Job('plain')
      run(): string {
        return 'plain ran';
      }
    }
    const monque = await boot();
    expect(await monque.waitFor(await monque.enqueue('email.send', 'you'))).toBe('to you');
    expect(await monque.waitFor(await monque.enqueue('plain'))).toBe('plain ran');
    expect([EmailJobs, PlainJobs]).toHaveLength(2);
  });

  test('in the class that overrides its own', async () => {
    @Job('greet')
    class Greet {
      handle(): string {
        return 'real';
      }
    }
    @OverrideProvider(Greet)
    class FakeGreet {
      handle(): string {
        return 'fake';
      }
    }
    const monque = await boot();
    expect(await monque.waitFor(await monque.enqueue('greet'))).toBe('fake');
    expect(FakeGreet).toBeDefined();
  });

  test('once in a class that overrides another and has a job itself', async () => {
    @Job('old-name')
    class Old {
      handle(): void {}
    }
    @OverrideProvider(Old)
    @Job('new-name')
    class New {
      handle(): string {
        return 'new';
      }
    }
    const log: LogEntry[] = [];
    const monque = await bootWith({}, log);
    expect(log).toMatchObject([{ event: 'MONQUE_IDLE', jobs: ['new-name'] }]);
    expect([monque, New]).toHaveLength(2);
  });

  test('with a value in place of its class, as tests put it there', async () => {
    @Job('mocked')
    class Mocked {
      handle(): string {
        return 'real';
      }
    }
    registerProvider({ token: Mocked, useValue: { handle: () => 'mock' } });
    const monque = await boot();
    expect(await monque.waitFor(await monque.enqueue('mocked'))).toBe('mock');
  });

  test('and fails, not done, when a value in place of its class lacks the method', async () => {
    @Job({ name: 'stubbed', maxRetries: 1 })
    class Stubbed {
      handle(): void {}
    }
    registerProvider({ token: Stubbed, useValue: {} });
    const monque = await boot();
    await expect(monque.waitFor(await monque.enqueue('stubbed'))).rejects.toThrow(
      'Expected what stands in for Stubbed to have a method handle, which runs the job stubbed',
    );
  });

  test('not in a subclass that was not decorated itself', async () => {
    @Job('base')
    class Base {
      handle(): string {
        return this.constructor.name;
      }
    }
    @Injectable()
    class Subclass extends Base {}
    const monque = await boot();
    expect(await monque.waitFor(await monque.enqueue('base'))).toBe('Base');
    expect(Subclass).toBeDefined();
  });
});

describe('an application does not boot with', () => {
  test('two handlers for one job', async () => {
    @Job('same')
    class First {
      handle(): void {}
    }
    @JobController()
    class Second {
      @Job('same')
      run(): void {}
    }
    await expect(boot()).rejects.toThrow(
      'Expected one handler for the job same, got First.handle and Second.run; rename one of them',
    );
    expect([First, Second]).toHaveLength(2);
  });

  test('an override that lacks the method', async () => {
    @Job('report')
    class Report {
      handle(): void {}
    }
    @OverrideProvider(Report)
    class Empty {}
    await expect(boot()).rejects.toThrow(
      'Expected a method Empty.handle, which runs the job report',
    );
    expect(Empty).toBeDefined();
  });

  test('a @Cron that has no @Job beside it', async () => {
    @JobController()
    class Lonely {
      @Cron('* * * * *')
      run(): void {}
    }
    await expect(boot()).rejects.toThrow(
      'Expected a @Job beside the @Cron or @Every on Lonely.run',
    );
    expect(Lonely).toBeDefined();
  });

  test('two @Cron of one job that nothing tells apart', async () => {
    @Job('twice')
    @Cron('0 1 * * *')
    @Cron('0 2 * * *')
    class Twice {
      handle(): void {}
    }
    const refused = boot();
    await expect(refused).rejects.toThrow(MonqueError);
    await expect(refused).rejects.toThrow(
      'Expected each @Cron and @Every on Twice.handle to have a uniqueKey',
    );
    expect(Twice).toBeDefined();
  });

  test('options of a worker that are wrong', async () => {
    @Job({ name: 'greedy', concurrency: 0 })
    class Greedy {
      handle(): void {}
    }
    await expect(boot()).rejects.toThrow(
      'The job greedy of Greedy.handle: Expected `options.concurrency`',
    );
    expect(Greedy).toBeDefined();
  });

  test('an interval that cannot be read', async () => {
    @Job('seldom')
    @Every('now and then')
    class Seldom {
      handle(): void {}
    }
    await expect(boot()).rejects.toThrow(
      'The job seldom of Seldom.handle: Expected `cron.every` to be an interval',
    );
    expect(Seldom).toBeDefined();
  });

  test('a cron expression that cannot be read', async () => {
    @Job('never')
    @Cron('61 * * * *')
    class Never {
      handle(): void {}
    }
    const refused = boot();
    await expect(refused).rejects.toThrow(
      'The job never of Never.handle: Expected a cron expression',
    );
    await expect(refused).rejects.toMatchObject({ code: 'INVALID_JOB' });
    expect(Never).toBeDefined();
  });
});
