import { computed, effect, signal } from '@preact/signals';
import type { Operation, OverviewAnswer } from '../../../src/api/types.ts';
import { learnTime } from '../app/clock.ts';
import { apiUrl, get } from './client.ts';

const POLL_MS = 5_000;
const MOST_FAILURES = 3;

/** True while the viewer wants everything to stand still. */
export const isPaused = signal(false);

const isHidden = signal(document.hidden);
const isCut = signal(false);
const failures = signal(0);

/** The newest snapshot of names and instances. */
export const snapshot = signal<OverviewAnswer | undefined>(undefined);

/** Why there is no newer snapshot. */
export const snapshotProblem = signal<string | undefined>(undefined);

/** Grows when what is shown may have changed; whoever shows something live reads it again. */
export const tick = signal(0);

/** The operations of the server, by id, as they were sent last. */
export const operations = signal<ReadonlyMap<string, Operation>>(new Map());

/** How the page learns of changes. */
export const liveState = computed<'paused' | 'hidden' | 'lost' | 'polling' | 'live'>(() => {
  if (isPaused.value) return 'paused';
  if (isHidden.value) return 'hidden';
  if (isCut.value) return 'lost';
  return failures.value >= MOST_FAILURES ? 'polling' : 'live';
});

/** Keeps an operation that was just begun or asked about. */
export function learnOperation(operation: Operation): void {
  operations.value = new Map(operations.value).set(operation.id, operation);
}

/** Follows the server while the page is looked at; one stream, or a question every 5 seconds where streams do not pass. */
export function startLive(): void {
  document.addEventListener('visibilitychange', () => {
    isHidden.value = document.hidden;
  });
  effect(() => {
    if (isPaused.value || isHidden.value) return;
    return failures.value >= MOST_FAILURES ? poll() : stream();
  });
}

/** Reads the snapshot now, whatever the pause says: the viewer asked for it. */
export async function readSnapshot(): Promise<void> {
  try {
    take(await get<OverviewAnswer>('overview'));
    isCut.value = false;
  } catch (error) {
    isCut.value = true;
    snapshotProblem.value = (error as Error).message;
  }
}

function take(answer: OverviewAnswer): void {
  snapshot.value = answer;
  snapshotProblem.value = answer.problem;
  isCut.value = false;
  learnTime(answer.at);
  tick.value += 1;
}

function stream(): () => void {
  const source = new EventSource(apiUrl('events'));
  const on = <T>(event: string, use: (data: T) => void): void => {
    source.addEventListener(event, (message) => use(JSON.parse((message as MessageEvent).data)));
  };
  on<OverviewAnswer>('snapshot', (answer) => {
    if (failures.peek() > 0) failures.value = 0;
    take(answer);
  });
  on<Operation>('operation', learnOperation);
  on<{ message: string }>('problem', ({ message }) => {
    snapshotProblem.value = message;
    tick.value += 1;
  });
  source.onerror = () => {
    // While it connects again by itself this says only that it does.
    isCut.value = true;
    tick.value += 1;
    if (source.readyState === EventSource.CLOSED) failures.value = MOST_FAILURES;
    else failures.value += 1;
  };
  return () => source.close();
}

function poll(): () => void {
  void readSnapshot();
  const timer = setInterval(() => void readSnapshot(), POLL_MS);
  return () => clearInterval(timer);
}
