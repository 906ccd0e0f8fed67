import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { PACKAGE } from '../package/built.ts';

/** What is written by users, and what is stored, whose fields keep their names. */
const WRITTEN = /Options$/;
const STORED = ['BackoffPlan', 'Job', 'HistoryEntry'];

interface Member {
  readonly of: string;
  readonly name: string;
  readonly says: string;
}

/** The members of all interfaces that hold a number. */
async function numbers(): Promise<Member[]> {
  const folder = join(PACKAGE, 'src');
  const paths = await readdir(folder, { recursive: true });
  const found: Member[] = [];
  for (const path of paths.filter((path) => /(?<!\.test)\.ts$/.test(path))) {
    const text = await readFile(join(folder, path), 'utf8');
    const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
    const visit = (node: ts.Node, of: string | undefined): void => {
      const within = ts.isInterfaceDeclaration(node) ? node.name.text : of;
      if (
        of !== undefined &&
        ts.isPropertySignature(node) &&
        node.type?.kind === ts.SyntaxKind.NumberKeyword
      ) {
        const says = text.slice(node.getFullStart(), node.getStart());
        found.push({ of, name: node.name.getText(), says });
      }
      ts.forEachChild(node, (child) => visit(child, within));
    };
    visit(source, undefined);
  }
  return found;
}

const found = await numbers();

test('a number that is read and has a unit says the unit in its name', () => {
  const read = found.filter(({ of }) => !WRITTEN.test(of) && !STORED.includes(of));
  const unclear = /[Mm]illiseconds|\bbytes\b|\bhow long\b|\bhow late\b/;
  const named = /(Ms|Bytes)$/;
  const times = /(delay|duration|lag|timeout|interval|wait|age)$/i;
  const without = read
    .filter(({ name, says }) => unclear.test(says) || times.test(name))
    .filter(({ name }) => !named.test(name));
  expect(without.map(({ of, name }) => `${of}.${name}`)).toEqual([]);
  expect(read.filter(({ name }) => named.test(name)).length).toBeGreaterThan(40);
});
