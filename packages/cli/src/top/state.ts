/**
 * What `top` shows, and how keys change it.
 *
 * What always holds: a key that changes something outside is upper case, and concerns the selected row alone.
 *
 * @module
 */
import type { Inspection } from '@monque/core';

/** What can be looked at. */
export const TABS = ['names', 'instances', 'running', 'failures'] as const;

/** One of them. */
export type Tab = (typeof TABS)[number];

/** A job as a row. */
export interface JobRow {
  readonly id: string;
  readonly name: string;
  /** When it was claimed, or when it failed. */
  readonly at?: Date;
  /** The instance that runs it, or the message of its failure. */
  readonly detail: string;
}

/** What was read last. */
export interface Snapshot {
  readonly inspection: Inspection;
  /** The jobs of the tab, where it has some. */
  readonly jobs: readonly JobRow[];
}

/** What is done outside. */
export interface Action {
  readonly verb: 'pause' | 'resume' | 'cancel' | 'retry' | 'delete' | 'why';
  /** A name, or the id of a job. */
  readonly of: string;
}

/** All of it. */
export interface TopState {
  readonly tab: Tab;
  readonly selected: number;
  readonly filter: string;
  /** True while the filter is being typed. */
  readonly isTyping: boolean;
  readonly isHelp: boolean;
  /** True while nothing is read again. */
  readonly isHeld: boolean;
  /** One line about what was done last, or went wrong. */
  readonly message: string;
  readonly snapshot: Snapshot | undefined;
}

/** How it begins. */
export const FIRST_STATE: TopState = {
  tab: 'names',
  selected: 0,
  filter: '',
  isTyping: false,
  isHelp: false,
  isHeld: false,
  message: '',
  snapshot: undefined,
};

/** What a key leads to. */
export interface Press {
  readonly state: TopState;
  readonly action?: Action;
  /** True when the tab needs what was not read yet. */
  readonly isToRead?: boolean;
  readonly isEnd?: boolean;
}

/** The ids of the rows that the filter leaves, in their order. */
export function rowIds({ tab, snapshot, filter }: TopState): string[] {
  if (snapshot === undefined) return [];
  const { inspection, jobs } = snapshot;
  const rows: Readonly<Record<Tab, readonly (readonly [id: string, text: string])[]>> = {
    names: inspection.names.map(({ name }) => [name, name]),
    instances: inspection.instances.map(({ instanceId, info }) => [
      instanceId,
      `${instanceId} ${info?.host ?? ''}`,
    ]),
    running: jobs.map(({ id, name, detail }) => [id, `${id} ${name} ${detail}`]),
    failures: jobs.map(({ id, name, detail }) => [id, `${id} ${name} ${detail}`]),
  };
  const wanted = filter.toLowerCase();
  return rows[tab].filter(([, text]) => text.toLowerCase().includes(wanted)).map(([id]) => id);
}

/** What a key does; `page` is how many rows are seen at once. */
export function press(state: TopState, key: string, page: number): Press {
  if (key === 'interrupt') return { state, isEnd: true };
  if (state.isTyping) return { state: typed(state, key) };
  if (state.isHelp) return { state: { ...state, isHelp: false } };
  const moved = move(state, key, page);
  if (moved !== undefined) return { state: moved };
  const tab = tabOf(state, key);
  if (tab !== undefined) {
    const snapshot = state.snapshot && { ...state.snapshot, jobs: [] };
    return { state: { ...state, tab, snapshot, selected: 0, message: '' }, isToRead: true };
  }
  return plainKey(state, key);
}

function plainKey(state: TopState, key: string): Press {
  switch (key) {
    case 'q':
      return { state, isEnd: true };
    case '?':
      return { state: { ...state, isHelp: true } };
    case '/':
      return { state: { ...state, isTyping: true, selected: 0 } };
    case 'escape':
      return { state: { ...state, filter: '', message: '', selected: 0 } };
    case ' ':
      return { state: { ...state, isHeld: !state.isHeld }, isToRead: state.isHeld };
    case 'r':
      return { state, isToRead: true };
    default: {
      const action = actionOf(state, key);
      return action === undefined ? { state } : { state: without(state, action), action };
    }
  }
}

/** What is no failure any more is not shown as one until it is read again: the next key must not concern it. */
function without(state: TopState, { verb, of }: Action): TopState {
  const { snapshot } = state;
  const isGone = verb === 'retry' || verb === 'delete';
  if (!isGone) return state;
  const jobs = (snapshot as Snapshot).jobs.filter(({ id }) => id !== of);
  const after = { ...state, snapshot: { ...(snapshot as Snapshot), jobs } };
  return { ...after, selected: Math.max(0, Math.min(state.selected, rowIds(after).length - 1)) };
}

function typed(state: TopState, key: string): TopState {
  if (key === 'enter') return { ...state, isTyping: false };
  if (key === 'escape') return { ...state, isTyping: false, filter: '' };
  if (key === 'backspace') return { ...state, filter: state.filter.slice(0, -1) };
  return key.length > 1 ? state : { ...state, filter: state.filter + key };
}

function move(state: TopState, key: string, page: number): TopState | undefined {
  const last = Math.max(0, rowIds(state).length - 1);
  const steps: Readonly<Record<string, number>> = {
    ...{ j: 1, down: 1, k: -1, up: -1, pageDown: page, pageUp: -page },
    ...{ home: Number.NEGATIVE_INFINITY, end: Number.POSITIVE_INFINITY },
  };
  const step = steps[key];
  if (step === undefined) return undefined;
  return { ...state, selected: Math.min(last, Math.max(0, state.selected + step)) };
}

function tabOf({ tab }: TopState, key: string): Tab | undefined {
  const at = TABS.indexOf(tab);
  if (key === 'tab') return TABS[(at + 1) % TABS.length];
  if (key === 'shiftTab') return TABS[(at + TABS.length - 1) % TABS.length];
  return TABS[Number(key) - 1];
}

/** What each key does to the selected row, on each tab. */
const VERBS: Readonly<Record<Tab, Readonly<Record<string, Action['verb']>>>> = {
  names: { P: 'pause', R: 'resume' },
  instances: {},
  running: { C: 'cancel', enter: 'why', w: 'why' },
  failures: { R: 'retry', D: 'delete', enter: 'why', w: 'why' },
};

function actionOf(state: TopState, key: string): Action | undefined {
  const verb = VERBS[state.tab][key];
  const of = rowIds(state)[state.selected];
  return verb === undefined || of === undefined ? undefined : { verb, of };
}
