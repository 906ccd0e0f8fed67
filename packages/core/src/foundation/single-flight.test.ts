import { describe, expect, test } from 'vitest';
import { SingleFlight } from './single-flight.ts';

function controlled() {
  const ends: { readonly resolve: () => void; readonly reject: (error: unknown) => void }[] = [];
  const flight = new SingleFlight(
    () => new Promise<void>((resolve, reject) => ends.push({ resolve, reject })),
  );
  return { flight, ends };
}

describe('an action that flies alone', () => {
  test('is shared by all who ask while it is under way', async () => {
    const { flight, ends } = controlled();
    const runs = Promise.all([flight.run(), flight.run()]);
    expect(flight.isUnderWay).toBe(true);
    ends[0]?.resolve();
    await runs;
    expect(ends).toHaveLength(1);
    expect(flight.isUnderWay).toBe(false);
  });

  test('runs once more for all who ask for a run again', async () => {
    const { flight, ends } = controlled();
    flight.runAgain();
    flight.runAgain();
    flight.runAgain();
    expect(ends).toHaveLength(1);
    ends[0]?.resolve();
    await expect.poll(() => ends.length).toBe(2);
    ends[1]?.resolve();
    await flight.idle();
    expect(ends).toHaveLength(2);
  });

  test('rejects for those who wait for it, and can run again', async () => {
    const { flight, ends } = controlled();
    const rejected = expect(flight.run()).rejects.toThrow('no');
    ends[0]?.reject(new Error('no'));
    await rejected;
    const again = flight.run();
    ends[1]?.resolve();
    await again;
  });

  test('is idle when it has failed, and what was to run again does not', async () => {
    const { flight, ends } = controlled();
    const rejected = expect(flight.run()).rejects.toThrow('no');
    flight.runAgain();
    const idle = flight.idle();
    ends[0]?.reject(new Error('no'));
    await Promise.all([idle, rejected]);
    expect(ends).toHaveLength(1);
  });
});
