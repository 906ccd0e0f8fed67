import { Time } from './time.tsx';

const ISO = /(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z)/;

/** A sentence of the library for people: the times in it are shown as all others are. */
export function Sentence({ text }: { readonly text: string }) {
  return (
    <span class="sentence">
      {text
        .split(ISO)
        .map((part, index) => (index % 2 === 1 ? <Time key={index} at={part} as="full" /> : part))}
    </span>
  );
}
