/**
 * The clock of the dashboards that a test serves, which it moves on: what they do every few seconds is then done at
 * once. A file of tests puts it in the place of theirs:
 *
 * ```ts
 * vi.mock(import('../../src/clock.ts'), async (original) =>
 *   (await import('./server-clock.ts')).movable(await original()),
 * );
 * afterAll(backToNow);
 * ```
 *
 * Files share the modules that they load, so those behind it would have the time of it too.
 */
type Clock = typeof import('../../src/clock.ts');

interface Timer {
  readonly atMs: number;
  fire(): void;
}

const timers = new Set<Timer>();
let aheadMs = 0;

/** The same clock, ahead by what {@link passTime} was given. */
export function movable(clock: Clock): Clock {
  const nowMs = (): number => clock.nowMs() + aheadMs;
  const later: Clock['later'] = (ms, call) => {
    const fire = (): void => {
      cancel();
      call();
    };
    const timer: Timer = { atMs: nowMs() + ms, fire };
    const stop = clock.later(ms, fire);
    const cancel = (): void => {
      timers.delete(timer);
      stop();
    };
    timers.add(timer);
    return cancel;
  };
  return { ...clock, nowMs, later };
}

/** Moves it on by so much. */
export function passTime(ms: number): void {
  aheadMs += ms;
  const nowMs = Date.now() + aheadMs;
  for (const timer of [...timers]) if (timer.atMs <= nowMs) timer.fire();
}

/** Ends a file that moved it on. */
export function backToNow(): void {
  aheadMs = 0;
  timers.clear();
}
