import { InvalidArgumentError } from '@monque/core';
import { Provider } from '@tsed/di';
import { describe, expect, test } from 'vitest';
import {
  Cron,
  Every,
  JOB_METADATA_KEY,
  Job,
  JobController,
  type JobMetadata,
} from '../src/index.ts';
import { endApplications } from './boot.ts';

endApplications();

const metadataOf = (target: object): JobMetadata | undefined =>
  Reflect.getOwnMetadata(JOB_METADATA_KEY, target);

describe('what a class was decorated with is kept under JOB_METADATA_KEY:', () => {
  test('a class', () => {
    @Job({ name: 'send-email', concurrency: 3 })
    class SendEmail {
      handle(): void {}
    }
    const job = { name: 'send-email', concurrency: 3 };
    expect(metadataOf(SendEmail)).toEqual({ handlers: [{ method: 'handle', job, crons: [] }] });
    expect(Provider.Registry.get(SendEmail)?.type).toBe('monque:job');
  });

  test('methods in a namespace, with their series in the order they are written', () => {
    @JobController('email')
    class EmailJobs {
      @Job('send')
      send(): void {}

      @Job({ name: 'tidy' })
      @Cron('0 1 * * *', { uniqueKey: 'night' })
      @Cron('0 13 * * *', { uniqueKey: 'noon', data: { deep: true } })
      @Every('5 minutes', { uniqueKey: 'often' })
      tidy(): void {}
    }
    expect(metadataOf(EmailJobs)).toEqual({
      namespace: 'email',
      handlers: [
        { method: 'send', job: { name: 'send' }, crons: [] },
        {
          method: 'tidy',
          job: { name: 'tidy' },
          crons: [
            { pattern: '0 1 * * *', options: { uniqueKey: 'night' } },
            { pattern: '0 13 * * *', options: { uniqueKey: 'noon', data: { deep: true } } },
            { pattern: { every: '5 minutes' }, options: { uniqueKey: 'often' } },
          ],
        },
      ],
    });
  });

  test('a class in a namespace that has no jobs yet', () => {
    @JobController('empty')
    class Empty {}
    expect(metadataOf(Empty)).toEqual({ namespace: 'empty', handlers: [] });
  });

  test('a subclass has none of it', () => {
    @Job('base')
    class Base {
      handle(): void {}
    }
    class Subclass extends Base {}
    expect(metadataOf(Base)).toBeDefined();
    expect(metadataOf(Subclass)).toBeUndefined();
  });
});

describe('a decorator refuses', () => {
  test('a job without a name', () => {
    expect(() => Job({ name: '' })).toThrow(InvalidArgumentError);
    expect(() => Job({} as { name: string })).toThrow(
      'Expected `@Job options.name` to be the name of the job, got undefined',
    );
  });

  test('a job with both a model and a schema', () => {
    class Model {}
    const validate = (value: unknown) => ({ value });
    const schema = { '~standard': { version: 1 as const, vendor: 'test', validate } };
    expect(() => Job({ name: 'both', model: Model, schema })).toThrow(
      'Expected `@Job options.schema` to be left out with a model',
    );
  });

  test('a class that has no method handle', () => {
    class NoHandler {}
    expect(() => Job('none')(NoHandler as never)).toThrow(
      'Expected NoHandler to have a method handle, as @Job on a class needs',
    );
    const anonymous = [class {}][0];
    expect(() => Job('none')(anonymous as never)).toThrow('Expected an anonymous class to have');
  });

  test('an empty namespace', () => {
    expect(() => JobController('')).toThrow(
      "Expected `@JobController namespace` to be the beginning of names, or left out, got ''",
    );
  });

  test('a static method', () => {
    const declare = (): unknown => {
      class Jobs {
        @Job('static')
        static run(): void {}

        run(): void {}
      }
      return Jobs;
    };
    expect(declare).toThrow('got the static method Jobs.run; remove `static`');
  });

  test('a second job for one method', () => {
    const declare = (): unknown => {
      class Jobs {
        @Job('second')
        @Job('first')
        run(): void {}
      }
      return Jobs;
    };
    expect(declare).toThrow('Expected one @Job for Jobs.run, got two');
  });
});
