import { effect, type Signal, signal } from '@preact/signals';

/** A choice of this browser, kept where that is allowed. */
function kept<T extends string>(key: string, initial: T, allowed: readonly T[]): Signal<T> {
  const name = `monque.${key}`;
  const choice = signal<T>(initial);
  try {
    const stored = localStorage.getItem(name) as T | null;
    if (stored !== null && allowed.includes(stored)) choice.value = stored;
  } catch {
    // A browser may forbid it; the choice then lasts as long as the page.
  }
  effect(() => {
    const { value } = choice;
    try {
      localStorage.setItem(name, value);
    } catch {
      // As above.
    }
  });
  return choice;
}

/** Light, dark, or as the system is. */
export const theme = kept('theme', 'system', ['system', 'light', 'dark']);

/** In which zone times are shown. */
export const zone = kept('zone', 'local', ['local', 'utc']);

/** Whether single keys do something. */
export const shortcuts = kept('shortcuts', 'on', ['on', 'off']);

effect(() => {
  const root = document.documentElement;
  if (theme.value === 'system') root.removeAttribute('data-theme');
  else root.setAttribute('data-theme', theme.value);
});
