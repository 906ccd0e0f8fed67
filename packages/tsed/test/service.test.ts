import { InvalidArgumentError } from '@monque/core';
import { injector } from '@tsed/di';
import { expect, expectTypeOf, test } from 'vitest';
import { type DataOfJob, Job, JobController, MonqueService } from '../src/index.ts';
import { boot, endApplications } from './boot.ts';

endApplications();

interface Email {
  readonly to: string;
}

class SendEmail {
  constructor(readonly retries: number) {}

  handle(job: Job<Email>): void {
    expect(job.data.to).toBe('a@b.test');
  }
}

class CleanUp {
  handle(): void {}
}

class Anything {
  handle(_job: Job): void {}
}

/** Takes nothing when it is called by itself, such as in a test. */
class Direct {
  handle(_job?: Job<Email>): void {}
}

const service = (): MonqueService => injector().get<MonqueService>(MonqueService) as MonqueService;

test('the data follows from what handle takes', () => {
  expectTypeOf<DataOfJob<typeof SendEmail>>().toEqualTypeOf<Email>();
  expectTypeOf<DataOfJob<typeof CleanUp>>().toEqualTypeOf<undefined>();
  expectTypeOf<DataOfJob<typeof Anything>>().toEqualTypeOf<unknown>();
  expectTypeOf<DataOfJob<typeof Direct>>().toEqualTypeOf<Email>();
  const typed = (monque: MonqueService): readonly unknown[] => [
    monque.enqueue(SendEmail, { to: 'a@b.test' }, { priority: 1 }),
    monque.enqueue(CleanUp),
    monque.enqueue(CleanUp, undefined, { priority: 1 }),
    monque.enqueue(Anything, 5),
    monque.schedule('@daily', SendEmail, { to: 'a@b.test' }, { uniqueKey: 'a' }),
    // @ts-expect-error the data is missing
    monque.enqueue(SendEmail),
    // @ts-expect-error the data is of another type
    monque.enqueue(SendEmail, { to: 5 }),
    // @ts-expect-error the job takes no data
    monque.enqueue(CleanUp, { to: 'a@b.test' }),
    // @ts-expect-error the class has no method handle
    monque.enqueue(Date),
  ];
  expect(typed).toBeTypeOf('function');
});

test('a job is enqueued by its class, with options', async () => {
  @Job('clean')
  class Clean {
    handle(): string {
      return 'clean';
    }
  }
  const monque = await boot({ processJobs: false });
  const job = await service().enqueue(Clean, undefined, { priority: 7 });
  expect(job).toMatchObject({ name: 'clean', priority: 7 });
  expect(service().monque).toBe(monque);
});

test('the name of a class is in its namespace', async () => {
  @JobController('night')
  @Job('sweep')
  class Sweep {
    handle(): string {
      return 'swept';
    }
  }
  const monque = await boot();
  expect(service().nameOf(Sweep)).toBe('night.sweep');
  expect(await monque.waitFor(await service().enqueue(Sweep))).toBe('swept');
});

test('a class that is no job is refused', async () => {
  await boot();
  const refused = service().enqueue(CleanUp);
  await expect(refused).rejects.toThrow(InvalidArgumentError);
  await expect(refused).rejects.toThrow('decorate CleanUp with @Job({ name })');
});
