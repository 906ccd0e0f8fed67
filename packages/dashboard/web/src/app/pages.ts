import type { ComponentType } from 'preact';
import type { IconName } from '../ui/icon.tsx';

/** A page: where it stands, and how its code is had. Pages that are not looked at are not loaded. */
export interface PageEntry {
  /** The first part of the path. */
  readonly path: string;
  readonly title: string;
  readonly icon: IconName;
  readonly group: 'work' | 'ledgers' | 'trouble' | 'engine' | 'other';
  /** What the server has to have for it: a word of the features that it names. */
  readonly needs?: string;
  load(): Promise<ComponentType<{ readonly id?: string | undefined }>>;
}

export const PAGES: readonly PageEntry[] = [
  {
    ...{ path: '', title: 'Overview', icon: 'overview', group: 'work' },
    load: async () => (await import('../pages/overview.tsx')).Overview,
  },
  {
    ...{ path: 'jobs', title: 'Jobs', icon: 'jobs', group: 'work' },
    load: async () => (await import('../pages/jobs.tsx')).Jobs,
  },
  {
    ...{ path: 'names', title: 'Names', icon: 'names', group: 'work' },
    load: async () => (await import('../pages/names.tsx')).Names,
  },
  {
    ...{ path: 'series', title: 'Series', icon: 'series', group: 'work' },
    load: async () => (await import('../pages/series-list.tsx')).SeriesList,
  },
  {
    ...{ path: 'gates', title: 'Gates', icon: 'gates', group: 'work' },
    load: async () => (await import('../pages/gates.tsx')).Gates,
  },
  {
    ...{ path: 'flows', title: 'Flows', icon: 'flows', group: 'work' },
    needs: 'flows',
    load: async () => (await import('../pages/flows.tsx')).Flows,
  },
  {
    ...{ path: 'orders', title: 'Orders', icon: 'orders', group: 'work' },
    load: async () => (await import('../pages/orders.tsx')).Orders,
  },
  {
    ...{ path: 'limits', title: 'Limits and groups', icon: 'limits', group: 'work' },
    load: async () => (await import('../pages/limits.tsx')).Limits,
  },
  {
    ...{ path: 'verification', title: 'Verification', icon: 'verification', group: 'ledgers' },
    needs: 'verification',
    load: async () => (await import('../pages/verification.tsx')).Verification,
  },
  {
    ...{ path: 'coordination', title: 'Coordination', icon: 'coordination', group: 'ledgers' },
    needs: 'coordination',
    load: async () => (await import('../pages/coordination.tsx')).Coordination,
  },
  {
    ...{ path: 'errors', title: 'Errors', icon: 'errors', group: 'trouble' },
    load: async () => (await import('../pages/errors.tsx')).Errors,
  },
  {
    ...{ path: 'dead-letters', title: 'Dead letters', icon: 'dead', group: 'trouble' },
    load: async () => (await import('../pages/dead-letters.tsx')).DeadLetters,
  },
  {
    ...{ path: 'rules', title: 'Rules and audit', icon: 'rules', group: 'trouble' },
    load: async () => (await import('../pages/rules.tsx')).Rules,
  },
  {
    ...{ path: 'instances', title: 'Instances', icon: 'instances', group: 'engine' },
    load: async () => (await import('../pages/instances.tsx')).Instances,
  },
  {
    ...{ path: 'metrics', title: 'Metrics', icon: 'metrics', group: 'engine' },
    load: async () => (await import('../pages/metrics.tsx')).Metrics,
  },
  {
    ...{ path: 'activity', title: 'Activity', icon: 'activity', group: 'engine' },
    load: async () => (await import('../pages/activity.tsx')).Activity,
  },
  {
    ...{ path: 'settings', title: 'Settings', icon: 'settings', group: 'other' },
    load: async () => (await import('../pages/settings.tsx')).Settings,
  },
];

export const GROUPS = [
  { group: 'work', title: 'Work' },
  { group: 'ledgers', title: 'Ledgers' },
  { group: 'trouble', title: 'Trouble' },
  { group: 'engine', title: 'Engine' },
  { group: 'other', title: '' },
] as const;

/** The page of a single thing, which the path names behind the page of all of them. */
export const DETAILS: Readonly<Record<string, Pick<PageEntry, 'load'>>> = {
  jobs: { load: async () => (await import('../pages/job.tsx')).JobPage },
  series: { load: async () => (await import('../pages/series.tsx')).SeriesPage },
  flows: { load: async () => (await import('../pages/flow.tsx')).FlowPage },
  verification: { load: async () => (await import('../pages/step.tsx')).StepPage },
  coordination: { load: async () => (await import('../pages/task.tsx')).TaskPage },
};

/** Pages that are reached from others. A name may hold any character, so it is no part of a path. */
export const FURTHER: Readonly<
  Record<string, Pick<PageEntry, 'load'> & { readonly under: string }>
> = {
  name: { under: 'names', load: async () => (await import('../pages/name.tsx')).NamePage },
};
