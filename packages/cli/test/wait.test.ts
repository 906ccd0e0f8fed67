import { gate, stage } from '@monque/core';
import { Long } from 'mongodb';
import { expect, test } from 'vitest';
import { describeWithMongo } from '../../core/test/setup/mongodb.ts';
import { NO_ID, useHere } from './setup/here.ts';

describeWithMongo('the command wait', () => {
  const here = useHere('cli_wait');

  test('prints the result of a job, and ends by how it ended', async () => {
    here.monque.worker('add', () => ({ sum: Long.fromString('9007199254740993') }));
    here.monque.worker('quiet', () => undefined);
    here.monque.worker(
      'bad',
      () => {
        throw new Error('boom');
      },
      { maxRetries: 1 },
    );
    here.monque.worker('held', { stages: [gate('paid'), stage('pay', () => undefined)] });
    await here.monque.start();
    const idOf = async (name: string) => String((await here.monque.enqueue(name))._id);
    const sum = await here.monqueCli('wait', await idOf('add'));
    expect(sum).toMatchObject({ code: 0, out: '{"sum":{"$numberLong":"9007199254740993"}}\n' });
    expect(await here.monqueCli('wait', await idOf('quiet'))).toMatchObject({ code: 0, out: '' });
    const json = await here.monqueCli('wait', await idOf('quiet'), '--json');
    expect(json).toMatchObject({ code: 0, records: [null] });
    const bad = await here.monqueCli('wait', await idOf('bad'));
    expect(bad).toMatchObject({
      code: 9,
      out: '',
      err: expect.stringMatching(/failed: boom\n$/),
    });
    expect((await here.monqueCli('wait', await idOf('held'), '--for', '50ms')).code).toBe(8);
    expect((await here.monqueCli('wait', NO_ID)).code).toBe(3);
    expect((await here.monqueCli('wait', 'no id')).code).toBe(2);
  });
});
