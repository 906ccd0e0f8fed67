import type { Status } from '../../../src/api/types.ts';
import { Icon } from './icon.tsx';

export const STATUSES: readonly Status[] = [
  'pending',
  'processing',
  'blocked',
  'completed',
  'failed',
  'cancelled',
];

/** A state, by an icon and by its word. */
export function State({ status }: { readonly status: Status | 'missing' | 'unknown' }) {
  const icon = status === 'missing' || status === 'unknown' ? 'info' : status;
  return (
    <span class={`state ${status}`}>
      <Icon name={icon} />
      {status}
    </span>
  );
}
