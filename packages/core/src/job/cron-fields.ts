/**
 * The fields of a cron expression: what may stand in them, and which values they mean.
 *
 * @module
 */

/** What a field may hold. */
export interface CronField {
  /** What the field is called in messages. */
  readonly name: string;
  /** The lowest value. */
  readonly min: number;
  /** The highest value. */
  readonly max: number;
  /** How many different values there are, which is the widest step. */
  readonly span: number;
  /** Words that stand for values, the first for {@link CronField.min}. */
  readonly words?: readonly string[];
  /** Items beside values, ranges and steps. */
  readonly special?: RegExp;
}

/** The fields of an expression with seconds, in their order; one without has the last five. */
export const FIELDS: readonly CronField[] = [
  { name: 'second', min: 0, max: 59, span: 60 },
  { name: 'minute', min: 0, max: 59, span: 60 },
  { name: 'hour', min: 0, max: 23, span: 24 },
  // `L` is the last day of the month.
  { name: 'day of month', min: 1, max: 31, span: 31, special: /^L$/ },
  {
    name: 'month',
    min: 1,
    max: 12,
    span: 12,
    words: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  },
  {
    name: 'day of week',
    min: 0,
    max: 7,
    span: 7,
    words: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'],
    // `5L` is the last Friday of the month, `1#2` its second Monday.
    special: /^(?:[0-7]L|[0-7]#[1-5])$/,
  },
];

/** A value or a range, or everything, and perhaps a step. */
const ITEM = /^(?:\*|(\d{1,2}|[a-z]{3})(?:-(\d{1,2}|[a-z]{3}))?)(?:\/(\d{1,2}))?$/i;

/** What is wrong with the text of a field, as a clause for a message; undefined when nothing is. */
export function faultOfField(text: string, field: CronField): string | undefined {
  // Some write it for a day that does not matter since the other one is given.
  if (text === '?' && field.name.startsWith('day')) return undefined;
  for (const item of text.split(',')) {
    const fault = field.special?.test(item) ? undefined : faultOfItem(item, field);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function faultOfItem(item: string, field: CronField): string | undefined {
  const { min, max, span } = field;
  const match = ITEM.exec(item);
  if (match === null) return `'${item}' is not understood`;
  const [, first, last, step] = match;
  const values = [first, last].filter((text) => text !== undefined);
  const numbers = values.map((text) => numberOf(text, field));
  const outside = values.find((_, index) => !isWithin(numbers[index], min, max));
  if (outside !== undefined) return `'${outside}' is not a value from ${min} to ${max}`;
  const [from = min, until = from] = numbers;
  if (until < from) return `the range '${item}' ends before it begins`;
  if (step !== undefined && !isWithin(Number(step), 1, span)) {
    return `a step of ${step} is not from 1 to ${span}`;
  }
  return undefined;
}

/** NaN for a word that is none of the field's. */
function numberOf(text: string, { min, words = [] }: CronField): number {
  if (/^\d/.test(text)) return Number(text);
  const index = words.indexOf(text.toLowerCase());
  return index < 0 ? Number.NaN : min + index;
}

function isWithin(value: number | undefined, min: number, max: number): boolean {
  return value !== undefined && value >= min && value <= max;
}

/**
 * The text of a field that was found right, each value once: crontab takes a list with duplicates, and cron-parser does
 * not. Without duplicates it is the same text.
 */
export function withoutDuplicates(text: string, field: CronField): string {
  const items = text.split(',');
  if (items.length === 1) return text;
  const listed = items.flatMap((item) => valuesOf(item, field));
  const distinct = [...new Set(listed)];
  if (distinct.length === listed.length) return text;
  return items.includes('*') ? '*' : distinct.join(',');
}

/** The values of an item; an item that stands for days by a rule of its own as it is. */
function valuesOf(item: string, field: CronField): (number | string)[] {
  const match = ITEM.exec(item);
  if (match === null) return [item];
  const [, first, last, step = '1'] = match;
  const isAll = first === undefined;
  const from = isAll ? field.min : numberOf(first, field);
  // A step without an end goes on to the end; 7 as the end of the week is its first day again.
  const end = isAll || match[3] !== undefined ? field.min + field.span - 1 : from;
  const until = last === undefined ? end : numberOf(last, field);
  const values: number[] = [];
  for (let value = from; value <= until; value += Number(step)) {
    values.push(field.name === 'day of week' ? value % 7 : value);
  }
  return values;
}
