import { signal } from '@preact/signals';

const STEP_MS = 1_000;

/** How far the ledger's clock is before this browser's, in milliseconds. */
const ahead = signal(0);

/** The ledger's time, which moves on once a second; everything shown relative to now is relative to this. */
export const now = signal(Date.now());

/** Whoever gets an answer with a time of the ledger notes it here. */
export function learnTime(at: string | undefined): void {
  const time = at === undefined ? Number.NaN : Date.parse(at);
  if (Number.isNaN(time)) return;
  const difference = time - Date.now();
  // What an answer is on its way is no reason to move every time that is shown.
  if (Math.abs(difference - ahead.value) > 1_500) ahead.value = difference;
}

/** Starts the clock; it stands still while nobody looks. */
export function startClock(): void {
  setInterval(() => {
    if (!document.hidden) now.value = Date.now() + ahead.value;
  }, STEP_MS);
}
