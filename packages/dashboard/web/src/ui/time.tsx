import { now } from '../app/clock.ts';
import { absolute, brief, relative, since } from './format.ts';

interface TimeProps {
  readonly at: string | undefined;
  /** `ago`: relative to now, the time itself on hover; `past`: that, of what cannot be to come; `both`: the time and the distance; `brief`: the time alone. */
  readonly as?: 'ago' | 'past' | 'both' | 'brief' | 'full';
  readonly zone?: string;
}

/** A time of the ledger. */
export function Time({ at, as = 'ago', zone }: TimeProps) {
  const time = at === undefined ? Number.NaN : Date.parse(at);
  if (at === undefined || Number.isNaN(time)) return <span class="quiet">–</span>;
  const full = absolute(time, zone);
  return (
    <time dateTime={at} title={full} class={as === 'both' ? undefined : 'nowrap'}>
      {as === 'ago' && relative(time, now.value)}
      {as === 'past' && relative(Math.min(time, now.value), now.value)}
      {as === 'brief' && brief(time, zone)}
      {as === 'full' && full}
      {as === 'both' && (
        <>
          {full} <span class="quiet nowrap">({relative(time, now.value)})</span>
        </>
      )}
    </time>
  );
}

/** How long something has lasted that is still on. */
export function Since({ at }: { readonly at: string }) {
  return (
    <time dateTime={at} title={absolute(Date.parse(at))} class="nowrap">
      {since(Date.parse(at), now.value)}
    </time>
  );
}
