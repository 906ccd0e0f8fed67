/**
 * Keeps passwords out of messages.
 *
 * @module
 */

/** What holds no address, or one. */
const WORD = /[^\s'"`<>]+/g;

const SCHEME_END = '://';

/**
 * The same text without the user and the password of any address in it. Takes a time that grows with the length of the
 * text alone: a message may be of any length.
 */
export function masked(text: string): string {
  return text.includes(SCHEME_END) ? text.replace(WORD, maskedWord) : text;
}

/** A password may hold an `@` itself: the last one ends it. */
function maskedWord(word: string): string {
  const start = word.indexOf(SCHEME_END) + SCHEME_END.length;
  const end = word.lastIndexOf('@');
  const hasScheme = start > SCHEME_END.length && end >= start;
  return hasScheme ? `${word.slice(0, start)}***${word.slice(end)}` : word;
}
