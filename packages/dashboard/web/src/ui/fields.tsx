import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import type { Ejson } from '../../../src/api/types.ts';

/** What ties a control to its label and its hint. */
interface Ties {
  readonly id: string;
  readonly 'aria-describedby'?: string;
}

interface FieldProps {
  readonly label: string;
  readonly hint?: ComponentChildren;
  readonly children: (ties: Ties) => ComponentChildren;
}

export function Field({ label, hint, children }: FieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label class="field-name" for={id}>
        {label}
      </label>
      {children({ id, ...(hint !== undefined && { 'aria-describedby': `${id}-hint` }) })}
      {hint !== undefined && <small id={`${id}-hint`}>{hint}</small>}
    </div>
  );
}

interface TextProps {
  readonly label: string;
  readonly hint?: ComponentChildren;
  readonly value: string;
  readonly placeholder?: string;
  readonly list?: readonly string[];
  readonly type?: 'text' | 'number' | 'datetime-local';
  onInput(value: string): void;
}

export function TextField({
  label,
  hint,
  value,
  placeholder,
  list,
  type = 'text',
  onInput,
}: TextProps) {
  const listId = useId();
  const id = list && listId;
  return (
    <>
      <Field label={label} hint={hint}>
        {(ties) => (
          <input
            {...ties}
            type={type}
            value={value}
            autocomplete="off"
            spellcheck={false}
            {...(placeholder && { placeholder })}
            {...(id && { list: id })}
            {...(type === 'datetime-local' && { step: 1 })}
            onInput={(event) => onInput(event.currentTarget.value)}
          />
        )}
      </Field>
      {list && (
        <datalist id={id}>
          {list.map((item) => (
            <option key={item} value={item} />
          ))}
        </datalist>
      )}
    </>
  );
}

/** A field for extended JSON. */
export function JsonField({ label, hint, value, onInput }: Omit<TextProps, 'list' | 'type'>) {
  return (
    <Field
      label={label}
      hint={
        hint ??
        'Extended JSON: { "$date": "…" }, { "$oid": "…" }, { "$numberLong": "…" } are exact.'
      }
    >
      {(ties) => (
        <textarea
          {...ties}
          value={value}
          spellcheck={false}
          aria-invalid={!isJson(value)}
          onInput={(event) => onInput(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

function isJson(text: string): boolean {
  try {
    if (text.trim() !== '') JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Reads a text that somebody typed; undefined for nothing. */
export function readJson(what: string, text: string): Ejson | undefined {
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text) as Ejson;
  } catch (error) {
    throw new Error(`${what} is not JSON: ${(error as Error).message}`);
  }
}

/** A time as `datetime-local` has it, in the zone of the browser. */
export function localTime(at: number): string {
  const date = new Date(at - new Date(at).getTimezoneOffset() * 60_000);
  return date.toISOString().slice(0, 19);
}

/** The time that was typed there, as the API wants it. */
export function isoTime(local: string): string {
  const time = new Date(local);
  if (Number.isNaN(time.getTime())) throw new Error('Give a date and a time.');
  return time.toISOString();
}
