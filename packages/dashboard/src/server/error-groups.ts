/**
 * Failures that look alike, together.
 *
 * @module
 */
import type { ErrorGroup, JobSummary } from '../api/types.ts';

const MOST_GROUPS = 200;
const LONGEST_PATTERN = 300;

/** What differs from one failure to the next of its kind, and what stands for it. The order matters. */
const VARYING: readonly (readonly [RegExp, string])[] = [
  [/[a-z][a-z0-9+.-]*:\/\/[^\s'"`<>]+/gi, '<address>'],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, '<id>'],
  [/\b[0-9a-f]{24}\b/gi, '<id>'],
  [/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?/g, '<time>'],
  [/\b0x[0-9a-f]+\b/gi, '<n>'],
  [/(['"`])(?:(?!\1)[^\n]){1,200}\1/g, '<text>'],
  [/\d+(?:[.,]\d+)*/g, '<n>'],
];

/** The message without what differs from one failure to the next. */
function patternOf(message: string): string {
  const [line = ''] = message.split('\n', 1);
  const bare = VARYING.reduce(
    (text, [what, sign]) => text.replace(what, sign),
    line.slice(0, 2_000),
  );
  return bare.slice(0, LONGEST_PATTERN);
}

/** Members whose messages look alike. */
interface Alike<T> {
  readonly pattern: string;
  readonly members: readonly T[];
}

/** Those together that have the same names and say the same but for what varies; the largest first. */
export function byPattern<T>(
  members: readonly T[],
  partsOf: (member: T) => { readonly names: readonly string[]; readonly message: string },
): Alike<T>[] {
  const groups = new Map<string, { pattern: string; members: T[] }>();
  for (const member of members) {
    const { names, message } = partsOf(member);
    const pattern = patternOf(message);
    const key = JSON.stringify([...names, pattern]);
    const group = groups.get(key) ?? { pattern, members: [] };
    if (group.members.length === 0) groups.set(key, group);
    group.members.push(member);
  }
  return [...groups.values()]
    .sort((a, b) => b.members.length - a.members.length)
    .slice(0, MOST_GROUPS);
}

/** Failed jobs in groups. */
export function groupErrors(jobs: readonly JobSummary[]): ErrorGroup[] {
  const partsOf = ({ name, failReason = '' }: JobSummary) => ({
    names: [name],
    message: failReason,
  });
  return byPattern(jobs, partsOf).map(groupOf);
}

function groupOf({ pattern, members }: Alike<JobSummary>): ErrorGroup {
  const newestFirst = [...members].sort((a, b) => (endOf(a) < endOf(b) ? 1 : -1));
  const sample = newestFirst[0] as JobSummary;
  const messages = members.map(({ failReason = '' }) => failReason);
  return {
    pattern,
    name: sample.name,
    count: members.length,
    firstAt: endOf(newestFirst.at(-1) as JobSummary),
    lastAt: endOf(sample),
    sample,
    prefix: commonPrefix(messages),
  };
}

function endOf({ finishedAt, updatedAt }: JobSummary): string {
  return finishedAt ?? updatedAt;
}

function commonPrefix(texts: readonly string[]): string {
  let [prefix = ''] = texts;
  for (const text of texts) {
    while (!text.startsWith(prefix)) prefix = prefix.slice(0, -1);
  }
  return prefix.slice(0, LONGEST_PATTERN);
}
