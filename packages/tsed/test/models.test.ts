import '@tsed/ajv';
import { InMemoryLedgerRepository, InvalidArgumentError, Monque } from '@monque/core';
import { injectable, injector, Provider } from '@tsed/di';
import { Format, Property, Required } from '@tsed/schema';
import { describe, expect, test, vi } from 'vitest';
import { Cron, Job, MonqueService } from '../src/index.ts';
import { boot, bootWith, endApplications } from './boot.ts';

endApplications();

class Invitation {
  @Required()
  @Format('email')
  to!: string;

  @Property()
  @Format('date-time')
  at?: Date;
}

/** A job that says what its data is. */
function declareInvite(): { new (): { handle(job: Job<Invitation>): unknown } } {
  @Job({ name: 'invite', model: Invitation, maxRetries: 1 })
  class Invite {
    handle(job: Job<Invitation>): unknown {
      const { data } = job;
      return { isModel: data instanceof Invitation, isDate: data.at instanceof Date, to: data.to };
    }
  }
  return Invite;
}

const service = (): MonqueService => injector().get<MonqueService>(MonqueService) as MonqueService;
const at = new Date('2030-05-06T07:08:09.000Z');

describe('the data of a job with a model', () => {
  test('comes to the handler as an instance of the model', async () => {
    const Invite = declareInvite();
    const monque = await boot();
    const job = await service().enqueue(Invite, { to: 'a@b.test', at });
    expect(job.data).toEqual({ to: 'a@b.test', at: at.toISOString() });
    expect(await monque.waitFor(job)).toEqual({ isModel: true, isDate: true, to: 'a@b.test' });
  });

  test('may be enqueued by name in its stored form, or with dates', async () => {
    declareInvite();
    const monque = await boot();
    const job = await monque.enqueue('invite', { to: 'a@b.test', at });
    expect(await monque.waitFor(job)).toMatchObject({ isModel: true, isDate: true });
  });

  test('is refused at the enqueue when it does not fit', async () => {
    const Invite = declareInvite();
    const monque = await boot();
    const refused = service().enqueue(Invite, { to: 'nobody' });
    await expect(refused).rejects.toThrow(InvalidArgumentError);
    await expect(refused).rejects.toThrow('Expected `data.to` to be what its schema wants');
    await expect(monque.enqueue('invite')).rejects.toThrow('Expected `data`');
    expect(await monque.getJobs()).toEqual([]);
  });

  test('is refused as data when the mapper cannot make JSON of it', async () => {
    const Invite = declareInvite();
    await boot();
    const refused = service().enqueue(Invite, { to: 'a@b.test', at: new Date(Number.NaN) });
    await expect(refused).rejects.toThrow(InvalidArgumentError);
    await expect(refused).rejects.toThrow(
      'Expected `data` to be what the model Invitation describes, got an object (Object); Invalid time value',
    );
  });

  test('names the job when that of a series cannot be made JSON', async () => {
    class Odd {
      @Property()
      readonly at?: Date;

      toJSON(): never {
        throw 'no JSON';
      }
    }
    @Job({ name: 'odd', model: Odd })
    @Cron('0 0 * * 1', { data: new Odd() })
    class OddJob {
      handle(_job: Job<Odd>): void {}
    }
    await expect(boot()).rejects.toThrow(
      'The job odd of OddJob.handle: Expected `data` to be what the model Odd describes, got an object (Odd); no JSON',
    );
    expect(OddJob).toBeDefined();
  });

  test('is refused in a process that runs no jobs, too', async () => {
    const Invite = declareInvite();
    await boot({ processJobs: false });
    await expect(service().enqueue(Invite, { to: 'nobody' })).rejects.toThrow('`data.to`');
  });

  test('fails its job at once when somebody stored it who did not check it', async () => {
    declareInvite();
    const connection = new InMemoryLedgerRepository();
    const job = await new Monque(connection).enqueue('invite', { to: 'nobody' });
    const monque = await boot({ connection });
    await expect(monque.waitFor(job)).rejects.toThrow('Expected `data.to` to be what its schema');
  });

  test('is stored in its JSON form for a series', async () => {
    @Job({ name: 'weekly', model: Invitation })
    @Cron('0 0 * * 1', { data: { to: 'all@b.test', at } })
    class Weekly {
      handle(_job: Job<Invitation>): void {}
    }
    const monque = await boot();
    const stored = { to: 'all@b.test', at: at.toISOString() };
    expect(await monque.getSchedules()).toMatchObject([{ name: 'weekly', data: stored }]);
    const data = { to: 'more@b.test', at };
    await service().schedule('0 0 * * 2', Weekly, data, { uniqueKey: 'second' });
    const names = await monque.getSchedules();
    expect(names.map((schedule) => schedule.data)).toContainEqual({
      to: 'more@b.test',
      at: at.toISOString(),
    });
  });
});

describe('the validator', () => {
  /** A validator that notes what it was asked, and throws this if it is given. */
  function addValidator(verdict?: unknown): unknown[] {
    const seen: unknown[] = [];
    const validate = (value: unknown): unknown => {
      seen.push(value);
      if (verdict !== undefined) throw verdict;
      return value;
    };
    injectable(Symbol('validator'))
      .factory(() => ({ name: 'preferred', validate }))
      .type('validator:service');
    return seen;
  }

  const settings = {
    monque: { connection: new InMemoryLedgerRepository() },
    validators: { default: 'preferred' },
  };

  test('is the one that the application prefers for requests', async () => {
    const Invite = declareInvite();
    const seen = addValidator();
    const monque = await bootWith(settings);
    const job = await service().enqueue(Invite, { to: 'nobody' });
    expect(await monque.waitFor(job)).toMatchObject({ isModel: true });
    expect(seen).toEqual([{ to: 'nobody' }, { to: 'nobody' }]);
  });

  test('that does not know is no verdict on the data', async () => {
    const Invite = declareInvite();
    const down = new Error('the lookup is down');
    addValidator(down);
    await bootWith(settings);
    await expect(service().enqueue(Invite, { to: 'a@b.test' })).rejects.toBe(down);
  });

  test('may say what is wrong without saying where', async () => {
    const Invite = declareInvite();
    addValidator(Object.assign(new Error('invalid'), { errors: [{}] }));
    await bootWith(settings);
    const refused = service().enqueue(Invite, { to: 'a@b.test' });
    await expect(refused).rejects.toThrow('data: is not valid');
  });
});

describe('an application does not boot, and is told what to install, when a model', () => {
  test('has no validator', async () => {
    declareInvite();
    const validators = [...Provider.Registry].filter(
      ([, { type }]) => type === 'validator:service',
    );
    for (const [token] of validators) Provider.Registry.delete(token);
    try {
      const refused = boot();
      await expect(refused).rejects.toMatchObject({ code: 'MISSING_PACKAGE' });
      await expect(refused).rejects.toThrow(
        "The job invite has the model Invitation, for which a package is missing: npm install @tsed/ajv ajv, and import '@tsed/ajv' in the server",
      );
    } finally {
      for (const [token, provider] of validators) Provider.Registry.set(token, provider);
    }
  });

  test('has no mapper', async () => {
    declareInvite();
    vi.doMock('@tsed/json-mapper', () => {
      throw new Error('Cannot find package');
    });
    try {
      await expect(boot()).rejects.toThrow(
        'a package is missing: npm install @tsed/json-mapper @tsed/schema in the server',
      );
    } finally {
      vi.doUnmock('@tsed/json-mapper');
    }
  });
});
