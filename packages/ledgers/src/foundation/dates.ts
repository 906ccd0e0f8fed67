/**
 * Times as the ledgers write them: `2026-03-01 09:30 UTC`, with seconds where they are not zero.
 *
 * @module
 */

const TIME = /^(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{2}):(\d{2})(?::(\d{2}))?)?(?: ?(?:UTC|Z))?$/;
/** Hyphens that word processors and language models put into dates. */
const OTHER_HYPHENS = /[\u2010-\u2015\u2212]/g;

/** A time without the part of a second, which no ledger keeps. */
export function wholeSeconds(ms: number): Date {
  return new Date(Math.floor(ms / 1000) * 1000);
}

/** The time that a text names, in UTC; undefined when it names none. */
export function parseTime(text: string): Date | undefined {
  if (text.length > 40) return undefined;
  const match = TIME.exec(text.trim().replace(OTHER_HYPHENS, '-'));
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1).map((part) => Number(part ?? 0));
  const parts = [year, month, day, hour, minute, second].map(Number);
  const [y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0] = parts;
  const time = new Date(Date.UTC(y, mo - 1, d, h, mi, s));
  time.setUTCFullYear(y);
  const isReal =
    time.getUTCMonth() === mo - 1 && time.getUTCDate() === d && h < 24 && mi < 60 && s < 60;
  return isReal ? time : undefined;
}

/** The text of a time in UTC, such as `2026-03-01 09:30`. */
export function formatTime(time: Date): string {
  const text = time.toISOString();
  const at = text.indexOf('T');
  const seconds = text.slice(at + 7, at + 9);
  return `${text.slice(0, at)} ${text.slice(at + 1, at + 6)}${seconds === '00' ? '' : `:${seconds}`}`;
}
