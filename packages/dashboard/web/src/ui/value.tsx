import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { Ejson } from '../../../src/api/types.ts';
import { Button } from './button.tsx';
import { complain, say } from './toast.tsx';

const MOST_SHOWN = 20_000;

/** A stored value as extended JSON: exact, coloured, and copied as it is. */
export function Value({ value, label }: { readonly value: Ejson; readonly label: string }) {
  const text = JSON.stringify(value, null, 2);
  const [isWhole, setWhole] = useState(false);
  const isLong = text.length > MOST_SHOWN;
  return (
    <div class="stack tight">
      <pre class="value" tabIndex={0} role="region" aria-label={label}>
        {isLong && !isWhole ? `${text.slice(0, MOST_SHOWN)}…` : coloured(value, '')}
      </pre>
      <div class="row spread">
        <span class="hint">
          {new Intl.NumberFormat('en-GB').format(new TextEncoder().encode(text).length)} bytes as
          extended JSON
        </span>
        <span class="row tight">
          {isLong && !isWhole && (
            <Button look="bare" onClick={() => setWhole(true)}>
              Show all
            </Button>
          )}
          <CopyButton text={text} what={label} />
        </span>
      </div>
    </div>
  );
}

/** Copies a text; where the browser gives no clipboard, as on plain HTTP, by a selection. */
export function CopyButton({ text, what }: { readonly text: string; readonly what: string }) {
  const copy = async (): Promise<void> => {
    try {
      await (navigator.clipboard ? navigator.clipboard.writeText(text) : bySelection(text));
      say(`Copied: ${what}`);
    } catch {
      complain(new Error('The browser did not allow to copy it.'));
    }
  };
  return <Button icon="copy" label={`Copy ${what}`} look="bare" onClick={() => void copy()} />;
}

function bySelection(text: string): void {
  const area = document.createElement('textarea');
  area.value = text;
  document.body.append(area);
  area.select();
  const isDone = document.execCommand('copy');
  area.remove();
  if (!isDone) throw new Error('refused');
}

const WRAPPED =
  /^\$(numberLong|numberInt|numberDouble|numberDecimal|date|oid|binary|uuid|regularExpression|timestamp|redacted|undecodable)$/;

function coloured(value: Ejson, indent: string): ComponentChildren {
  if (typeof value === 'string') return <span class="s">{JSON.stringify(value)}</span>;
  if (value === null || typeof value !== 'object') return <span class="n">{String(value)}</span>;
  const deeper = `${indent}  `;
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    return [
      '[',
      ...rowsOf(
        value.map((item) => [undefined, item]),
        deeper,
      ),
      `\n${indent}]`,
    ];
  }
  const entries = Object.entries(value);
  const [only] = entries;
  if (only === undefined) return '{}';
  if (entries.length === 1 && WRAPPED.test(only[0])) {
    return <span class="t">{JSON.stringify(value)}</span>;
  }
  return ['{', ...rowsOf(entries, deeper), `\n${indent}}`];
}

function rowsOf(
  entries: readonly (readonly [string | undefined, Ejson])[],
  indent: string,
): ComponentChildren[] {
  return entries.map(([key, item], index) => (
    <>
      {`\n${indent}`}
      {key !== undefined && <span class="k">{JSON.stringify(key)}: </span>}
      {coloured(item, indent)}
      {index < entries.length - 1 && ','}
    </>
  ));
}
