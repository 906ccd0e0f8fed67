import { signal } from '@preact/signals';
import type { Action, CapabilitiesAnswer } from '../../../src/api/types.ts';
import { get, ProblemError } from '../api/client.ts';

/** Who looks, and what they may do; undefined until the server said so. */
export const capabilities = signal<CapabilitiesAnswer | undefined>(undefined);

/** Why the dashboard can't be shown at all. */
export const refusal = signal<ProblemError | undefined>(undefined);

/** Asks the server who looks. */
export async function readCapabilities(): Promise<void> {
  try {
    capabilities.value = await get<CapabilitiesAnswer>('capabilities');
    refusal.value = undefined;
  } catch (error) {
    if (error instanceof ProblemError) refusal.value = error;
    else throw error;
  }
}

/** True unless a page needs what this server has not. */
export function isOffered({ needs }: { readonly needs?: string }): boolean {
  return needs === undefined || capabilities.value?.features.includes(needs) === true;
}

const IN_WORDS: Readonly<Record<Action, string>> = {
  see: 'see jobs',
  enqueue: 'enqueue jobs',
  cancel: 'cancel jobs',
  retry: 'retry jobs',
  reschedule: 'move jobs to another time',
  delete: 'delete jobs',
  openGate: 'open gates',
  setMetadata: 'change metadata',
  schedule: 'change series',
  unschedule: 'end series',
  pause: 'pause and resume names',
  audit: 'run an audit',
  repair: 'repair jobs',
  setLimit: 'set limits',
  setGroup: 'change or pause groups',
};

/** Why the viewer may not do it, on jobs of one name or of all; undefined when they may. The server decides in any case. */
export function denied(action: Action, name?: string): string | undefined {
  const known = capabilities.value;
  if (!known) return 'The server did not say yet what you may do.';
  if (known.readOnly) return 'This dashboard is read-only for you.';
  const ofName = known.names.find((row) => row.name === name)?.actions;
  if ((ofName ?? known.actions)[action]) return undefined;
  const where = name === undefined ? '' : ` of the name '${name}'`;
  return `${known.actor} may not ${IN_WORDS[action]}${where}.`;
}
