/**
 * Keys as a terminal sends them, by their names.
 *
 * @module
 */

const NAMES: Readonly<Record<string, string>> = {
  '\u001b[A': 'up',
  '\u001b[B': 'down',
  '\u001bOA': 'up',
  '\u001bOB': 'down',
  '\u001b[H': 'home',
  '\u001b[F': 'end',
  '\u001b[1~': 'home',
  '\u001b[4~': 'end',
  '\u001b[5~': 'pageUp',
  '\u001b[6~': 'pageDown',
  '\u001b[Z': 'shiftTab',
  '\u001b': 'escape',
  '\t': 'tab',
  '\r': 'enter',
  '\n': 'enter',
  '\u007f': 'backspace',
  '\b': 'backspace',
  '\u0003': 'interrupt',
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: keys begin with them
const KEY = /\u001b(?:\[[0-9;]*[A-Za-z~]|O[A-Za-z])?|[\s\S]/gu;

/** The keys in what was read at once. What has no name is the character itself. */
export function keysOf(text: string): string[] {
  return [...text.matchAll(KEY)].map(([key]) => NAMES[key] ?? key);
}
