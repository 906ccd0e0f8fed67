/**
 * What the sources declare, for tests that compare a page with them.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import ts from 'typescript';
import { PACKAGE } from '../package/built.ts';

const SOURCES = join(PACKAGE, 'src');

const parsed = new Map<string, Promise<ts.Statement[]>>();

/** Every statement at the top of a source file below a folder. */
function statementsBelow(folder: string): Promise<ts.Statement[]> {
  const known = parsed.get(folder) ?? readStatements(folder);
  parsed.set(folder, known);
  return known;
}

async function readStatements(folder: string): Promise<ts.Statement[]> {
  const paths = await readdir(folder, { recursive: true });
  const sources = paths.filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'));
  const files = sources.map(async (path) => {
    const text = await readFile(join(folder, path), 'utf8');
    return [...ts.createSourceFile(path, text, ts.ScriptTarget.Latest).statements];
  });
  return (await Promise.all(files)).flat();
}

/** The names of the members of an interface, those that are declared more than once only once. */
export async function membersOf(
  interfaceName: string,
  folder: string = SOURCES,
): Promise<string[]> {
  const names = (await statementsBelow(folder))
    .filter(ts.isInterfaceDeclaration)
    .filter(({ name }) => name.text === interfaceName)
    .flatMap(({ members }) => members.map(({ name }) => nameOf(name)));
  if (names.length === 0) throw new Error(`There is no interface ${interfaceName}`);
  return [...new Set(names)];
}

function nameOf(name: ts.PropertyName | undefined): string {
  if (name === undefined) throw new Error('A member without a name cannot be listed');
  if (ts.isIdentifier(name) || ts.isStringLiteral(name)) return name.text;
  if (ts.isComputedPropertyName(name) && ts.isPropertyAccessExpression(name.expression)) {
    return `[Symbol.${name.expression.name.text}]`;
  }
  throw new Error('A member with a computed name cannot be listed');
}

/** The texts of a type that is a choice between texts. */
export async function wordsOf(typeName: string): Promise<string[]> {
  const words = (await statementsBelow(SOURCES))
    .filter(ts.isTypeAliasDeclaration)
    .filter(({ name, type }) => name.text === typeName && ts.isUnionTypeNode(type))
    .flatMap(({ type }) => (type as ts.UnionTypeNode).types)
    .map((type) => {
      if (ts.isLiteralTypeNode(type) && ts.isStringLiteral(type.literal)) return type.literal.text;
      throw new Error(`The type ${typeName} is not a choice between texts`);
    });
  if (words.length === 0) throw new Error(`There is no type ${typeName}`);
  return words;
}
