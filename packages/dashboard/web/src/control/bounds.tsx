import { useState } from 'preact/hooks';
import type { GroupRow, LimitRow, RateOfStarts } from '../../../src/api/types.ts';
import { TextField } from '../ui/fields.tsx';
import { number, plural, span } from '../ui/format.ts';
import { Meter } from '../ui/parts.tsx';

/** How often jobs may start, in words. */
export function Rate({ rate }: { readonly rate: RateOfStarts | undefined }) {
  if (rate === undefined) return <span class="quiet nowrap">not bounded</span>;
  const { limit, per, burst = limit } = rate;
  return (
    <span>
      <span class="nowrap">
        {number(limit)} in {span(per)}
      </span>
      {burst !== limit && <span class="quiet">, up to {number(burst)} at once</span>}
    </span>
  );
}

interface InUseProps {
  readonly count: number;
  readonly of: number | undefined;
}

/** How many run at once of how many that may. */
export function InUse({ count, of }: InUseProps) {
  if (of === undefined) {
    return (
      <span class="nowrap">
        {number(count)} <span class="quiet">of any number</span>
      </span>
    );
  }
  const isOver = count > of;
  return (
    <span class="nowrap">
      {number(count)} of {number(of)}
      {isOver && <span class="quiet">, lowered</span>}
      <Meter part={of === 0 ? 1 : count / of} kind={count >= of ? 'warns' : ''} />
    </span>
  );
}

/** What is typed of the bounds of a limit or a group. */
export interface BoundsText {
  readonly concurrency: string;
  readonly starts: string;
  readonly seconds: string;
  readonly burst: string;
}

/** What may be bounded, as a form has it. */
export function useBounds(row: Pick<LimitRow | GroupRow, 'concurrency' | 'rate'>) {
  const { concurrency, rate } = row;
  return useState<BoundsText>({
    concurrency: textOf(concurrency),
    starts: textOf(rate?.limit),
    seconds: rate === undefined ? '' : String(rate.per / 1_000),
    burst: rate?.burst === rate?.limit ? '' : textOf(rate?.burst),
  });
}

export function textOf(value: number | undefined): string {
  return value === undefined ? '' : String(value);
}

interface FieldsProps {
  readonly text: BoundsText;
  readonly onChange: (text: BoundsText) => void;
  /** What an empty field means. */
  readonly empty: string;
}

export function BoundsFields({ text, onChange, empty }: FieldsProps) {
  const set = (key: keyof BoundsText) => (value: string) => onChange({ ...text, [key]: value });
  const shared = { type: 'number', placeholder: empty } as const;
  return (
    <>
      <TextField
        {...shared}
        label="Jobs that run at once"
        hint="0 lets none start"
        value={text.concurrency}
        onInput={set('concurrency')}
      />
      <div class="thirds">
        <TextField {...shared} label="Starts" value={text.starts} onInput={set('starts')} />
        <TextField type="number" label="in seconds" value={text.seconds} onInput={set('seconds')} />
        <TextField
          type="number"
          label="at most at once"
          hint="After a quiet time"
          placeholder={text.starts}
          value={text.burst}
          onInput={set('burst')}
        />
      </div>
    </>
  );
}

/** A whole number that was typed; undefined for nothing. */
export function readCount(what: string, text: string): number | undefined {
  if (text.trim() === '') return undefined;
  const count = Number(text);
  if (Number.isInteger(count) && count >= 0) return count;
  throw new Error(`${what}: give a whole number.`);
}

/** The rate that was typed; undefined for none. */
export function readRate({ starts, seconds, burst }: BoundsText): RateOfStarts | undefined {
  const limit = readCount('Starts', starts);
  const most = readCount('At most at once', burst);
  if (limit === undefined) {
    if (most !== undefined) throw new Error('Say how many starts, and in how many seconds.');
    return undefined;
  }
  const per = Math.round(Number(seconds) * 1_000);
  if (!(per >= 1)) throw new Error(`Say in how many seconds ${plural(limit, 'job')} may start.`);
  return { limit, per, ...(most !== undefined && { burst: most }) };
}
