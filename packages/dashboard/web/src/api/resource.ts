import { useSignal, useSignalEffect } from '@preact/signals';
import { useCallback, useEffect, useRef } from 'preact/hooks';
import { call, lastAnswer, ProblemError } from './client.ts';
import { isPaused, tick } from './live.ts';

export interface Resource<T> {
  /** The newest answer; it stays while a newer one is asked for, and when that fails. */
  readonly data: T | undefined;
  /** Why the last question failed. */
  readonly error: ProblemError | undefined;
  readonly isLoading: boolean;
  /** Asks again, also while the page is paused. */
  reload(): Promise<void>;
}

interface ResourceOptions {
  /** Ask again when the server says that something may have changed. */
  readonly live?: boolean;
  /** Ask this often besides, in milliseconds, while the page is looked at and not paused. */
  readonly everyMs?: number;
}

/** What the server answers at an address; nothing is asked while the address is undefined. */
export function useResource<T>(
  url: string | undefined,
  { live = false, everyMs }: ResourceOptions = {},
): Resource<T> {
  const state = useSignal<{
    url: string | undefined;
    data?: T;
    error?: ProblemError;
    busy: boolean;
  }>({
    url,
    data: lastAnswer<T>(url),
    busy: url !== undefined,
  });
  const running = useRef<AbortController>();

  const load = useCallback(async (): Promise<void> => {
    running.current?.abort();
    running.current = undefined;
    if (url === undefined) return;
    const control = new AbortController();
    running.current = control;
    const before = state.peek().url === url ? state.peek().data : lastAnswer<T>(url);
    state.value = { url, data: before, busy: true, error: state.peek().error };
    try {
      const data = await call<T>('GET', url, { signal: control.signal });
      if (!control.signal.aborted) state.value = { url, data, busy: false };
      if (running.current === control) running.current = undefined;
    } catch (error) {
      if (running.current === control) running.current = undefined;
      if (control.signal.aborted) return;
      const problem = error instanceof ProblemError ? error : unexpected(error);
      state.value = { url, data: before, busy: false, error: problem };
    }
  }, [url]);

  useEffect(() => {
    state.value = { url, data: lastAnswer<T>(url), busy: true };
    void load();
    return () => running.current?.abort();
  }, [load]);

  const first = useRef(true);
  useSignalEffect(() => {
    const moment = tick.value;
    if (first.current) {
      first.current = false;
      return;
    }
    if (live && moment > 0) refresh();
  });
  const loadRef = useRef(load);
  loadRef.current = load;
  /** Asks again, unless nobody looks, or what was asked before is not answered yet. */
  const refresh = (): void => {
    if (!isPaused.peek() && !document.hidden && !running.current) void loadRef.current();
  };

  useEffect(() => {
    if (everyMs === undefined) return;
    const timer = setInterval(refresh, everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);

  const current = state.value.url === url ? state.value : { busy: true };
  return {
    data: 'data' in current ? (current.data as T | undefined) : undefined,
    error: 'error' in current ? current.error : undefined,
    isLoading: current.busy,
    reload: load,
  };
}

function unexpected(error: unknown): ProblemError {
  return new ProblemError({
    type: 'about:blank',
    title: 'Something unexpected',
    status: 0,
    code: 'UNEXPECTED',
    detail: (error as Error).message,
  });
}
