/**
 * What happens to the times of a cron expression when the clocks of its zone are changed.
 *
 * @module
 */

/** A moment at which the clocks of a zone are changed. */
export interface ZoneChange {
  readonly at: Date;
  /** What the clocks would show, and what they show instead, as `2026-03-29 02:00:00`. */
  readonly from: string;
  readonly to: string;
  /** By how much they are put forward, in milliseconds; negative when they are put back. */
  readonly forwardMs: number;
}

const STEP_MS = 7 * 86_400_000;

/** The clocks of a time zone. */
export class ZoneClocks {
  readonly #format: Intl.DateTimeFormat;

  /** @param timeZone - one that was checked before */
  constructor(timeZone: string) {
    this.#format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
  }

  /** How far they are ahead of UTC at a moment, in milliseconds. */
  offsetMs(time: Date): number {
    const parts = this.#format.format(time).split(/([+-])(\d\d):(\d\d)$/);
    const [, sign, hours = 0, minutes = 0] = parts;
    const ms = (Number(hours) * 60 + Number(minutes)) * 60_000;
    return sign === '-' ? -ms : ms;
  }

  /** What they show, such as `2026-03-29 03:00:00`. */
  shown(time: Date): string {
    return wallText(time.getTime() + this.offsetMs(time));
  }

  /** The changes later than one moment and up to another. */
  changes(after: Date, until: Date): ZoneChange[] {
    const found: ZoneChange[] = [];
    for (let startMs = after.getTime(); startMs < until.getTime(); startMs += STEP_MS) {
      const endMs = Math.min(startMs + STEP_MS, until.getTime());
      const before = this.offsetMs(new Date(startMs));
      if (this.offsetMs(new Date(endMs)) === before) continue;
      const at = this.#firstChange(startMs, endMs);
      const forwardMs = this.offsetMs(at) - before;
      const from = wallText(at.getTime() + before);
      found.push({ at, from, to: this.shown(at), forwardMs });
    }
    return found;
  }

  #firstChange(startMs: number, endMs: number): Date {
    const before = this.offsetMs(new Date(startMs));
    let [low, high] = [Math.floor(startMs / 1_000), Math.ceil(endMs / 1_000)];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.offsetMs(new Date(middle * 1_000)) === before) low = middle;
      else high = middle;
    }
    return new Date(high * 1_000);
  }
}

function wallText(wallMs: number): string {
  return new Date(wallMs).toISOString().replace('T', ' ').slice(0, 19);
}

/** A time of a cron expression, as it is shown. */
export interface ShownTime {
  readonly at: Date;
  /** What the clocks of the zone show. */
  readonly local: string;
  /** How far they are ahead of UTC, as `+02:00`. */
  readonly offset: string;
  /** What the change of the clocks means for it; absent on most days. */
  readonly note?: string;
}

/** Shows times, with what happens to those beside a change of the clocks. */
export function showTimes(times: readonly Date[], after: Date, timezone: string): ShownTime[] {
  const clocks = new ZoneClocks(timezone);
  return times.map((at, index) => {
    const before = times[index - 1] ?? after;
    const note = noteOf(at, before, clocks, times);
    return {
      at,
      local: clocks.shown(at),
      offset: offsetText(clocks.offsetMs(at)),
      ...(note !== undefined && { note }),
    };
  });
}

function noteOf(
  at: Date,
  before: Date,
  clocks: ZoneClocks,
  times: readonly Date[],
): string | undefined {
  const shiftMs = 86_400_000;
  const near = clocks.changes(new Date(at.getTime() - shiftMs), new Date(at.getTime() + shiftMs));
  const repeated = near.find(({ forwardMs, at: change }) => {
    const sinceMs = at.getTime() - change.getTime();
    return forwardMs < 0 && sinceMs >= forwardMs && sinceMs < -forwardMs;
  });
  if (repeated !== undefined) return repeatedNote(at, repeated, times);
  const [change] = clocks.changes(before, at);
  if (change === undefined) return undefined;
  const { from, to, forwardMs } = change;
  const way = forwardMs > 0 ? 'forward' : 'back';
  const clock = `the clocks go ${way} from ${from} to ${to.slice(11)}`;
  const isMissing = change.at.getTime() === at.getTime() && forwardMs > 0;
  return isMissing ? `${clock}: what would be due in between is due then` : `before it ${clock}`;
}

function repeatedNote(
  at: Date,
  { at: change, forwardMs }: ZoneChange,
  times: readonly Date[],
): string {
  if (at >= change) return 'the clocks show this time twice; this is the second time';
  const again = at.getTime() - forwardMs;
  const isThere = times.some((time) => time.getTime() === again);
  return `the clocks show this time twice; ${isThere ? 'this is the first time' : 'only the first counts'}`;
}

function offsetText(ms: number): string {
  const minutes = Math.abs(ms) / 60_000;
  const two = (value: number): string => `${Math.floor(value)}`.padStart(2, '0');
  return `${ms < 0 ? '-' : '+'}${two(minutes / 60)}:${two(minutes % 60)}`;
}
