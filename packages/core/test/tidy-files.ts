/**
 * The files of this package as the tidy tests see them, and what is looked for in them.
 */
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import ts from 'typescript';

export const PACKAGE: string = join(import.meta.dirname, '..');

export interface SourceFile {
  /** From the folder of the package. */
  readonly path: string;
  readonly text: string;
  /** Parsed when it is first asked for. */
  readonly tree: ts.SourceFile;
}

/** What was found in a file once: each rule looks at all files. */
interface Parsed {
  readonly tree: ts.SourceFile;
  nodes?: readonly ts.Node[];
}

const parsed = new Map<string, Parsed>();

const files = await readFiles();
export const sources: readonly SourceFile[] = files.filter(
  ({ path }) => path.startsWith('src/') && !path.endsWith('.test.ts'),
);
export const tests: readonly SourceFile[] = files.filter(
  ({ path }) => !sources.some((source) => source.path === path),
);

async function readFiles(): Promise<SourceFile[]> {
  const found = ['src', 'test'].map(async (folder) => {
    const paths = await readdir(join(PACKAGE, folder), { recursive: true });
    return paths.filter((path) => path.endsWith('.ts')).map((path) => join(folder, path));
  });
  const paths = (await Promise.all(found)).flat().sort();
  return Promise.all(
    paths.map(async (path) => {
      const text = await readFile(join(PACKAGE, path), 'utf8');
      return {
        path,
        text,
        get tree() {
          return parsedOf(path, text).tree;
        },
      };
    }),
  );
}

function parsedOf(path: string, text: string): Parsed {
  const known = parsed.get(path);
  if (known) return known;
  const made = { tree: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true) };
  parsed.set(path, made);
  return made;
}

/** The process goes on to other files of tests, whose garbage is collected faster without all these trees. */
export function forgetTrees(): void {
  parsed.clear();
}

function nodesOf({ path, text }: SourceFile): readonly ts.Node[] {
  const of = parsedOf(path, text);
  if (of.nodes) return of.nodes;
  const nodes: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    nodes.push(node);
    ts.forEachChild(node, visit);
  };
  visit(of.tree);
  of.nodes = nodes;
  return nodes;
}

/** Every node of a file for which `says` has something to say, as `path:line what`. */
export function findings(file: SourceFile, says: (node: ts.Node) => string | undefined): string[] {
  const found: string[] = [];
  for (const node of nodesOf(file)) {
    const what = says(node);
    if (what === undefined) continue;
    const { line } = file.tree.getLineAndCharacterOfPosition(node.getStart());
    found.push(`${file.path}:${line + 1} ${what}`);
  }
  return found;
}

/** The dotted name of a call or `new`, such as `Date.now` or `new Date`; undefined for anything else. */
export function calledName(node: ts.Node): string | undefined {
  if (ts.isCallExpression(node)) return node.expression.getText();
  if (ts.isNewExpression(node)) return `new ${node.expression.getText()}`;
  return undefined;
}

export function match(node: ts.Node, pattern: RegExp): string | undefined {
  const name = calledName(node);
  return name !== undefined && pattern.test(name) ? name : undefined;
}

export function outside(
  allowed: readonly string[] | undefined = [],
  found: readonly string[],
): string[] {
  return found.filter((finding) => !allowed.some((path) => finding.startsWith(`${path}:`)));
}

export interface Import {
  readonly from: string;
  /** The path of the imported file within the package; undefined for a package or a module of Node.js. */
  readonly path: string | undefined;
  readonly typesOnly: boolean;
}

export function imports(file: SourceFile): Import[] {
  const found: Import[] = [];
  // Nowhere else may they stand.
  for (const node of file.tree.statements) {
    if (!ts.isImportDeclaration(node) && !ts.isExportDeclaration(node)) continue;
    if (node.moduleSpecifier === undefined || !ts.isStringLiteral(node.moduleSpecifier)) continue;
    const from = node.moduleSpecifier.text;
    const path = from.startsWith('.') ? join(dirname(file.path), from) : undefined;
    found.push({ from, path, typesOnly: bringsTypesOnly(node) });
  }
  return found;
}

function bringsTypesOnly(node: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  if (ts.isExportDeclaration(node)) return node.isTypeOnly;
  return node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
}
