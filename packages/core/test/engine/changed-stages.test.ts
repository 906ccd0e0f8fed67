import { describe, expect, test } from 'vitest';
import { gate, stage } from '../../src/index.ts';
import { makeOne } from './kit.ts';

describe('a list of stages that a deploy changed', () => {
  const run = async (recorded: readonly string[], declared: readonly string[], gated?: string) => {
    const { monque, clock, ledger } = makeOne({ maxRetries: 2 });
    const { _id } = await monque.enqueue('import');
    const runs: string[] = [];
    // The former list, of a process that ended behind what it recorded.
    const [claimed] = (
      await ledger.claim({
        demand: [{ name: 'import', limit: 1 }],
        instanceId: 'former',
        claimToken: 'former',
        now: new Date(clock.now()),
        suspects: false,
        widening: 1,
      })
    ).jobs;
    const now = new Date(clock.now());
    for (const [index, name] of recorded.entries()) {
      const record = { name, at: now, result: name };
      const stagesBefore = recorded.slice(0, index);
      const known = { stagesBefore, gatesBefore: [], claimToken: 'former', now };
      await ledger.checkpoint({ jobId: _id, record, ...known });
    }
    const end = { verb: 'release', jobId: _id, claimToken: 'former' } as const;
    await ledger.settle({ settlements: [{ ...end, fence: claimed?.fence ?? 0 }], now });
    const steps = declared.map((name) => stage(name, () => runs.push(name)));
    monque.worker('import', { stages: gated ? [gate(gated), ...steps] : steps });
    await monque.start();
    await clock.advance(60_000);
    const job = await monque.getJob(_id);
    await monque.stop();
    return { job, runs };
  };

  test.each([
    ['added behind what is recorded', ['a'], ['a', 'b', 'c'], ['b', 'c']],
    ['removed before it was reached', ['a'], ['a'], []],
    ['reordered behind what is recorded', ['a'], ['a', 'c', 'b'], ['c', 'b']],
    ['not recorded at all', [], ['x'], ['x']],
  ])('a stage that was %s does no harm', async (_what, recorded, declared, expected) => {
    const { job, runs } = await run(recorded, declared);
    expect(runs).toEqual(expected);
    expect(job?.status).toBe('completed');
  });

  test('the result of the last recorded stage is that of the job when none is left', async () => {
    const { job } = await run(['a', 'b'], ['a', 'b']);
    expect(job).toMatchObject({ status: 'completed', result: 'b' });
  });

  test.each([
    ['renamed', ['a', 'b'], ['a', 'other']],
    ['removed', ['a', 'b'], ['b']],
    ['inserted before', ['a'], ['new', 'a']],
    ['reordered', ['a', 'b'], ['b', 'a']],
  ])(
    'recorded stages that were %s fail the job with both lists, after its retries',
    async (_what, recorded, declared) => {
      const { job, runs } = await run(recorded, declared);
      expect(runs).toEqual([]);
      expect(job).toMatchObject({ status: 'failed', failCount: 2 });
      expect(job?.failReason).toContain(
        `got recorded: ${recorded.join(', ')}; declared: ${declared.join(', ')}`,
      );
    },
  );

  test('a gate that was inserted before a recorded stage holds the job before its next one', async () => {
    const { job, runs } = await run(['a'], ['a', 'b'], 'new');
    expect(runs).toEqual([]);
    expect(job).toMatchObject({ status: 'blocked', blockedBy: 'new' });
  });
});
