import {
  ConnectionError,
  DEFAULTS,
  InMemoryLedgerRepository,
  InvalidArgumentError,
  Monque,
} from '@monque/core';
import { ManualClock } from '@monque/core/testing';
import { Inject, Injectable, injector, Module } from '@tsed/di';
import { describe, expect, test } from 'vitest';
import { Cron, Every, InjectMonque, Job, MonqueModule, MonqueService } from '../src/index.ts';
import { boot, bootWith, endApplications, type LogEntry } from './boot.ts';

endApplications();

const moduleOf = (): MonqueModule => injector().get<MonqueModule>(MonqueModule) as MonqueModule;

function declareJob(): void {
  @Job('hello')
  class Hello {
    handle(): string {
      return 'hello';
    }
  }
  expect(Hello).toBeDefined();
}

test('a decorated class runs its job, with its dependencies', async () => {
  @Injectable()
  class Mailer {
    readonly sent: string[] = [];
  }
  @Job({ name: 'send-email', concurrency: 2 })
  class SendEmail {
    @Inject()
    readonly second!: Mailer;

    constructor(readonly mailer: Mailer) {}

    handle(job: Job<{ to: string }>): boolean {
      this.mailer.sent.push(job.data.to);
      return this.second === this.mailer;
    }
  }
  const monque = await boot();
  const job = await injector()
    .get<MonqueService>(MonqueService)
    ?.enqueue(SendEmail, { to: 'a@b.c' });
  expect(await monque.waitFor(job?._id ?? '')).toBe(true);
  expect(injector().get<Mailer>(Mailer)?.sent).toEqual(['a@b.c']);
});

test('the scheduler is injected by its class and by @InjectMonque', async () => {
  @Injectable()
  class Shop {
    @Inject()
    readonly byType!: Monque;

    @InjectMonque()
    readonly byDecorator!: unknown;

    constructor(
      readonly monque: Monque,
      @InjectMonque() readonly parameter: unknown,
    ) {}
  }
  const monque = await boot();
  const shop = injector().get<Shop>(Shop);
  expect(monque).toBeInstanceOf(Monque);
  expect([shop?.monque, shop?.parameter, shop?.byType, shop?.byDecorator]).toEqual(
    Array(4).fill(monque),
  );
});

describe('options are taken', () => {
  const connection = new InMemoryLedgerRepository();

  test('from forRoot in the server', async () => {
    const monque = await bootWith({ imports: [MonqueModule.forRoot({ connection })] });
    expect(monque.isHealthy()).toBe(true);
  });

  test('from forRoot in a module', async () => {
    @Module({ imports: [MonqueModule.forRoot({ connection })] as never })
    class Inner {}
    const monque = await bootWith({});
    expect(monque.isHealthy()).toBe(true);
    expect(Inner).toBeDefined();
  });

  test('from the configuration, with those of forRoot before them', async () => {
    declareJob();
    const settings = { monque: { connection, processJobs: true } };
    const imports = [MonqueModule.forRoot({ processJobs: false })];
    const monque = await bootWith({ ...settings, imports });
    expect(monque.health().running).toBe(false);
    expect((await monque.enqueue('hello')).status).toBe('pending');
  });

  test('and those of one application do not reach the next', async () => {
    await expect((await bootWith({})).enqueue('any')).rejects.toThrow('it is not configured');
  });

  test('and wrong ones are refused by name', async () => {
    await expect(boot({ enabled: 'no' as never })).rejects.toThrow('Expected `monque.enabled`');
  });

  test('and wrong ones of the module are refused by name', async () => {
    await expect(boot({ startOn: '$onListen' as never })).rejects.toThrow(
      "Expected `monque.startOn` to be one of $onInit, $afterInit, $onReady, got '$onListen'",
    );
  });

  test('and those of the scheduler are refused by it', async () => {
    const refused = boot({ pollIntervall: 5 } as never);
    await expect(refused).rejects.toThrow(InvalidArgumentError);
    await expect(refused).rejects.toThrow('pollInterval');
  });
});

describe('the scheduler', () => {
  test('starts in $onInit and stops, once jobs have ended, in $onDestroy', async () => {
    let end = (_: string): void => undefined;
    const ended = new Promise<string>((resolve) => {
      end = resolve;
    });
    @Job('slow')
    class Slow {
      handle(): Promise<string> {
        return ended;
      }
    }
    const monque = await boot();
    const started = new Promise((resolve) => monque.once('job:start', resolve));
    const job = await monque.enqueue('slow');
    await started;
    const stopping = moduleOf().$onDestroy();
    const again = moduleOf().$onSignal();
    expect((await monque.getJob(job._id))?.status).toBe('processing');
    end('done');
    await Promise.all([stopping, again]);
    expect(await monque.getJob(job._id)).toMatchObject({ status: 'completed', result: 'done' });
    expect(monque.health().running).toBe(false);
    expect(Slow).toBeDefined();
  });

  test.each(['$afterInit', '$onReady'] as const)('starts in %s when told so', async (startOn) => {
    const monque = await boot({ startOn });
    expect(monque.health().running).toBe(false);
    const others = { $afterInit: '$onReady', $onReady: '$afterInit' } as const;
    await moduleOf()[others[startOn]]();
    expect(monque.health().running).toBe(false);
    await moduleOf()[startOn]();
    expect(monque.health().running).toBe(true);
  });

  test('enqueues and runs nothing where no jobs are to be processed', async () => {
    @Job('hello')
    @Cron('0 1 * * *')
    class Hello {
      handle(): void {}
    }
    const monque = await boot({ processJobs: false });
    expect((await monque.enqueue('hello')).status).toBe('pending');
    expect(monque.health().running).toBe(false);
    expect(await monque.getSchedules()).toEqual([]);
    expect(Hello).toBeDefined();
  });
});

describe('a scheduler that is disabled or not configured', () => {
  test('refuses every call, and the application boots', async () => {
    declareJob();
    const log: LogEntry[] = [];
    const monque = await boot({ enabled: false, collectionName: 'jobs' }, log);
    await expect(monque.enqueue('hello')).rejects.toThrow(
      'Monque does nothing, since it is disabled: `monque.enabled` is false',
    );
    await expect(monque.getJobs()).rejects.toMatchObject({ code: 'IDLE' });
    await expect(monque.start()).rejects.toMatchObject({ code: 'IDLE' });
    await moduleOf().$afterInit();
    expect(log).toMatchObject([{ level: 'warn', event: 'MONQUE_IDLE', jobs: ['hello'] }]);
  });

  test('says nothing where there are no jobs', async () => {
    const log: LogEntry[] = [];
    await bootWith({}, log);
    expect(log).toEqual([]);
  });

  test('does not boot when the module was imported on purpose', async () => {
    @Module({ imports: [MonqueModule] })
    class Inner {}
    await expect(bootWith({})).rejects.toThrow(
      'Expected `monque.connection` to be a Mongoose connection, a Db of the mongodb driver or a LedgerRepository, got undefined; pass it to MonqueModule.forRoot({ connection })',
    );
    expect(Inner).toBeDefined();
  });
});

describe('a series', () => {
  const connection = new InMemoryLedgerRepository();

  function declareSeries(pattern: string): void {
    @Job('clean-up')
    @Cron(pattern, { timezone: 'Europe/Berlin', data: { deep: true } })
    class CleanUp {
      handle(): void {}
    }
    expect(CleanUp).toBeDefined();
  }

  test('is made when the application boots', async () => {
    declareSeries('0 3 * * *');
    const monque = await boot({ connection });
    expect(await monque.getSchedules()).toMatchObject([
      {
        name: 'clean-up',
        cron: '0 3 * * *',
        timezone: 'Europe/Berlin',
        uniqueKey: 'cron',
        data: { deep: true },
      },
    ]);
  });

  test('is changed, and not joined by another, when it boots with another expression', async () => {
    declareSeries('0 4 * * *');
    const monque = await boot({ connection });
    expect(await monque.getSchedules()).toMatchObject([{ cron: '0 4 * * *' }]);
  });
});

test('a series with an interval is made when the application boots, and one of its class by the service', async () => {
  @Job('sweep')
  @Every('5 minutes', { data: { deep: true } })
  class Sweep {
    handle(): void {}
  }
  const monque = await boot();
  const cron = { uniqueKey: 'cron', name: 'sweep', everyMs: 300_000, data: { deep: true } };
  expect(await monque.getSchedules()).toMatchObject([cron]);
  const service = injector().get<MonqueService>(MonqueService) as MonqueService;
  await service.schedule({ every: 420_000 }, Sweep);
  const all = await monque.getSchedules();
  expect(all.map(({ everyMs }) => everyMs)).toEqual([300_000, 420_000]);
});

test('what the database says when a series is made is passed on as it is', async () => {
  @Job('clean-up')
  @Cron('0 3 * * *')
  class CleanUp {
    handle(): void {}
  }
  const down = new ConnectionError('the database is down');
  const connection = new InMemoryLedgerRepository();
  Object.assign(Reflect.get(connection, 'verbs'), { enqueue: () => Promise.reject(down) });
  await expect(boot({ connection })).rejects.toBe(down);
  expect(CleanUp).toBeDefined();
});

describe('the health check', () => {
  test('says how a scheduler is that runs', async () => {
    await boot();
    expect(await moduleOf().health()).toMatchObject({ status: 'running', connected: true });
  });

  test('fails when the scheduler does not run', async () => {
    await boot({ startOn: '$onReady' });
    await expect(moduleOf().health()).rejects.toThrow('Monque is not healthy: it does not run');
  });

  test('fails, with the reason, when its database does not answer', async () => {
    const clock = new ManualClock();
    const ledger = new InMemoryLedgerRepository({ clock });
    await boot({ connection: ledger, clock });
    const refuse = () => Promise.reject(new ConnectionError('the database is down'));
    Object.assign(Reflect.get(ledger, 'verbs'), { renewLease: refuse });
    await clock.advance(DEFAULTS.leaseDuration * 2);
    const failing = moduleOf().health();
    await expect(failing).rejects.toThrow('Monque is not healthy: the database is down');
    await expect(failing).rejects.toMatchObject({ code: 'UNHEALTHY' });
  });

  test('asks the database where no jobs are processed', async () => {
    const ledger = new InMemoryLedgerRepository();
    await boot({ connection: ledger, processJobs: false });
    expect(await moduleOf().health()).toEqual({ status: 'producing' });
    Object.assign(Reflect.get(ledger, 'verbs'), {
      getJob: () => Promise.reject(new Error('gone')),
    });
    await expect(moduleOf().health()).rejects.toThrow('gone');
  });

  test('passes where the scheduler is disabled on purpose', async () => {
    await boot({ enabled: false });
    expect(await moduleOf().health()).toEqual({ status: 'idle' });
  });
});
