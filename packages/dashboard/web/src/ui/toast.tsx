import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { ProblemError } from '../api/client.ts';
import { Button } from './button.tsx';
import { Icon } from './icon.tsx';

interface Toast {
  readonly id: number;
  readonly isBad: boolean;
  readonly text: ComponentChildren;
}

const SHOWN_MS = 8_000;
const MOST = 3;

const toasts = signal<readonly Toast[]>([]);
let nextId = 1;

/** Says what was done; it leaves by itself. */
export function say(text: ComponentChildren): void {
  add(false, text);
}

/** Says what could not be done; it stays until it is closed. */
export function complain(error: unknown): void {
  const problem = error instanceof ProblemError ? error.problem : undefined;
  add(
    true,
    <>
      <strong>{problem?.detail ?? (error as Error).message}</strong>
      {problem?.advice && <div>{problem.advice}</div>}
    </>,
  );
}

/** Does something and says how that went. */
export async function attempt(
  done: ComponentChildren,
  work: () => Promise<unknown>,
): Promise<void> {
  try {
    await work();
    say(done);
  } catch (error) {
    complain(error);
  }
}

function add(isBad: boolean, text: ComponentChildren): void {
  const id = nextId++;
  toasts.value = [...toasts.value, { id, isBad, text }].slice(-MOST);
  if (!isBad) setTimeout(() => close(id), SHOWN_MS);
}

function close(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

/** The one live region of the dashboard. */
export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite" aria-label="Messages">
      {toasts.value.map(({ id, isBad, text }) => (
        <div key={id} class={isBad ? 'toast is-bad' : 'toast'}>
          <Icon name={isBad ? 'warning' : 'good'} />
          <div>{text}</div>
          <Button icon="close" label="Close this message" look="bare" onClick={() => close(id)} />
        </div>
      ))}
    </div>
  );
}
