import { useId, useRef, useState } from 'preact/hooks';
import { Icon } from './icon.tsx';

/** One restriction of a list. */
export interface Token {
  readonly key: string;
  readonly value: string;
}

/** Something that can be filtered by. */
export interface TokenKind {
  readonly key: string;
  readonly help: string;
  /** What it may be; free where it is not said. */
  readonly values?: readonly string[];
  /** True where several mean: one of them. */
  readonly isMany?: boolean;
  /** The value as the server wants it; undefined where it is none. */
  read?(text: string): string | undefined;
}

interface Suggestion {
  readonly text: string;
  readonly help: string;
  pick(): void;
}

interface TokenFilterProps {
  readonly label: string;
  readonly placeholder: string;
  readonly kinds: readonly TokenKind[];
  readonly tokens: readonly Token[];
  onChange(tokens: readonly Token[]): void;
  /** What else a text may mean, such as the id of a job. */
  also?(text: string): Suggestion | undefined;
}

const MOST_SUGGESTIONS = 12;

/** A text field that makes tokens, with suggestions: a combobox with a list, as the patterns of ARIA describe it. */
export function TokenFilter({
  label,
  placeholder,
  kinds,
  tokens,
  onChange,
  also,
}: TokenFilterProps) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState('');
  const [isOpen, setOpen] = useState(false);
  const [active, setActive] = useState(-1);

  const add = (kind: TokenKind, raw: string): void => {
    const value = kind.read ? kind.read(raw) : raw;
    if (value === undefined || value === '') return;
    const others = kind.isMany
      ? tokens.filter((token) => token.key !== kind.key || token.value !== value)
      : tokens.filter((token) => token.key !== kind.key);
    onChange([...others, { key: kind.key, value }]);
    close();
    setText('');
  };
  const close = (): void => {
    setOpen(false);
    setActive(-1);
  };
  const begin = (kind: TokenKind): void => {
    setText(kind.key.endsWith('.') ? kind.key : `${kind.key}:`);
    setActive(-1);
    input.current?.focus();
  };

  const suggestions = isOpen ? suggestionsFor({ text, kinds, also, add, begin }) : [];

  const onKeyDown = (event: KeyboardEvent): void => {
    const count = suggestions.length;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      if (!isOpen) setOpen(true);
      else if (count > 0) {
        const step = event.key === 'ArrowDown' ? 1 : -1;
        setActive(active < 0 && step < 0 ? count - 1 : (active + step + count) % count);
      }
    } else if (event.key === 'Enter') {
      event.preventDefault();
      const chosen = suggestions[active] ?? (text.trim() === '' ? undefined : suggestions[0]);
      chosen?.pick();
    } else if (event.key === 'Escape' && isOpen) {
      event.preventDefault();
      close();
    } else if (event.key === 'Backspace' && text === '' && tokens.length > 0) {
      onChange(tokens.slice(0, -1));
    }
  };

  return (
    <div class="filter">
      <div
        class="filter-box"
        onClick={(event) => event.target === event.currentTarget && input.current?.focus()}
      >
        <Icon name="search" />
        {tokens.map((token, index) => (
          <span class="token" key={`${token.key}:${token.value}`}>
            <span title={`${token.key}: ${token.value}`}>
              <b>{token.key}:</b> {token.value}
            </span>
            <button
              type="button"
              aria-label={`Remove the filter ${token.key}: ${token.value}`}
              onClick={() => {
                onChange(tokens.filter((_, other) => other !== index));
                input.current?.focus();
              }}
            >
              <Icon name="close" />
            </button>
          </span>
        ))}
        <input
          ref={input}
          data-search
          type="text"
          role="combobox"
          aria-label={label}
          aria-expanded={isOpen && suggestions.length > 0}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          {...(active >= 0 && { 'aria-activedescendant': `${id}-${active}` })}
          autocomplete="off"
          spellcheck={false}
          placeholder={tokens.length === 0 ? placeholder : ''}
          value={text}
          onInput={(event) => {
            setText(event.currentTarget.value);
            setOpen(true);
            setActive(-1);
          }}
          onFocus={() => setOpen(true)}
          onClick={() => setOpen(true)}
          onBlur={close}
          onKeyDown={onKeyDown}
        />
      </div>
      <ul
        id={`${id}-list`}
        role="listbox"
        aria-label={`Suggestions: ${label}`}
        class="suggestions"
        hidden={suggestions.length === 0}
      >
        {suggestions.map((suggestion, index) => (
          <li
            key={suggestion.text}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === active}
            // The field keeps the focus.
            onMouseDown={(event) => event.preventDefault()}
            onMouseMove={() => setActive(index)}
            onClick={() => suggestion.pick()}
          >
            <span class="cut">{suggestion.text}</span>
            <span>{suggestion.help}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

interface Asked extends Pick<TokenFilterProps, 'kinds' | 'also'> {
  readonly text: string;
  add(kind: TokenKind, value: string): void;
  begin(kind: TokenKind): void;
}

function suggestionsFor({ text, kinds, also, add, begin }: Asked): readonly Suggestion[] {
  const typed = text.trim();
  const other = typed === '' ? undefined : also?.(typed);
  const colon = typed.indexOf(':');
  const kind = colon > 0 ? kindOf(kinds, typed.slice(0, colon)) : undefined;
  const found = kind
    ? ofKind(kind, typed.slice(colon + 1).trim(), add)
    : ofText(kinds, typed, add, begin);
  return [...(other ? [other] : []), ...found].slice(0, MOST_SUGGESTIONS);
}

/** `meta.` stands for every key of the metadata. */
function kindOf(kinds: readonly TokenKind[], key: string): TokenKind | undefined {
  const exact = kinds.find((kind) => kind.key === key);
  if (exact) return exact;
  const open = kinds.find((kind) => kind.key.endsWith('.') && key.startsWith(kind.key));
  return open && key.length > open.key.length ? { ...open, key } : undefined;
}

function ofKind(kind: TokenKind, typed: string, add: Asked['add']): readonly Suggestion[] {
  const fitting = (kind.values ?? []).filter((value) => includes(value, typed));
  const known = fitting.map((value) => ({
    ...{ text: `${kind.key}: ${value}`, help: '' },
    pick: () => add(kind, value),
  }));
  const read = kind.read ? kind.read(typed) : typed;
  if (typed === '' || read === undefined || fitting.includes(typed)) return known;
  const isFree = !kind.values || kind.key === 'name';
  const free = { text: `${kind.key}: ${typed}`, help: kind.help, pick: () => add(kind, typed) };
  return isFree ? [...known, free] : known;
}

function ofText(
  kinds: readonly TokenKind[],
  typed: string,
  add: Asked['add'],
  begin: Asked['begin'],
): readonly Suggestion[] {
  const asKinds = kinds
    .filter((kind) => typed === '' || kind.key.startsWith(typed))
    .map((kind) => ({
      text: kind.key.endsWith('.') ? `${kind.key}…:` : `${kind.key}:`,
      help: kind.help,
      pick: () => begin(kind),
    }));
  if (typed === '') return asKinds;
  const asValues = kinds.flatMap((kind) =>
    (kind.values ?? [])
      .filter((value) => includes(value, typed))
      .map((value) => ({ text: `${kind.key}: ${value}`, help: '', pick: () => add(kind, value) })),
  );
  const free = kinds
    .filter((kind) => kind.key === 'key')
    .map((kind) => ({
      text: `${kind.key}: ${typed}`,
      help: kind.help,
      pick: () => add(kind, typed),
    }));
  return [...asValues, ...asKinds, ...free];
}

function includes(value: string, typed: string): boolean {
  return value.toLowerCase().includes(typed.toLowerCase());
}
