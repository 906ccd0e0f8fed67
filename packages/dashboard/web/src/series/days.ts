const DAY_MS = 86_400_000;

const makers = new Map<string, Intl.DateTimeFormat>();

/** The day of a time in a zone: `2026-11-28`. */
export function dayKey(at: number, zone: string): string {
  let maker = makers.get(zone);
  if (!maker) {
    maker = new Intl.DateTimeFormat('sv-SE', {
      timeZone: zone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
    });
    makers.set(zone, maker);
  }
  return maker.format(at);
}

/** The month of a day: `2026-11`. */
export function monthKey(day: string): string {
  return day.slice(0, 7);
}

/** A month so many months later. */
export function addMonths(month: string, by: number): string {
  const [year = 0, number = 1] = month.split('-').map(Number);
  return new Date(Date.UTC(year, number - 1 + by, 1)).toISOString().slice(0, 7);
}

/** The days of whole weeks, from Monday on, that hold a month. */
export function daysOfGrid(month: string): readonly string[] {
  const first = Date.parse(`${month}-01T00:00:00Z`);
  const next = Date.parse(`${addMonths(month, 1)}-01T00:00:00Z`);
  const before = (new Date(first).getUTCDay() + 6) % 7;
  const count = Math.ceil((before + (next - first) / DAY_MS) / 7) * 7;
  return Array.from({ length: count }, (_, index) =>
    new Date(first + (index - before) * DAY_MS).toISOString().slice(0, 10),
  );
}

/** True when the clock of the zone is changed on this day. */
export function changesClock(day: string, zone: string): boolean {
  const noon = Date.parse(`${day}T12:00:00Z`);
  return offsetOf(noon - DAY_MS / 2, zone) !== offsetOf(noon + DAY_MS / 2, zone);
}

function offsetOf(at: number, timeZone: string): string | undefined {
  const key = `${timeZone} offset`;
  let maker = makers.get(key);
  if (!maker) {
    maker = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' });
    makers.set(key, maker);
  }
  return maker.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value;
}
