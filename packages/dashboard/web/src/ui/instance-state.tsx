import type { InstanceRow } from '../../../src/api/types.ts';
import { Icon } from './icon.tsx';

const LOOKS = {
  alive: { class: 'completed', icon: 'completed' },
  silent: { class: 'blocked', icon: 'warning' },
  dead: { class: 'failed', icon: 'failed' },
  unknown: { class: 'cancelled', icon: 'info' },
} as const;

export function InstanceState({ state }: { readonly state: InstanceRow['state'] }) {
  return (
    <span class={`state ${LOOKS[state].class}`}>
      <Icon name={LOOKS[state].icon} />
      {state}
    </span>
  );
}
