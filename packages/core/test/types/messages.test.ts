/**
 * What the compiler says of a wrong call: it names what is wrong, and speaks of nothing that a user never wrote.
 */
import { join } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { ensureBuilt, PACKAGE } from '../package/built.ts';

const FILE = join(PACKAGE, 'test/types/wrong-call.ts');
const HEAD = `
import { Monque } from '../../dist/index.mjs';
interface Jobs {
  mail: { to: string };
  report: { data: { month: number }; result: { url: string } };
}
const monque = Monque.inMemory<Jobs>();
`;

const CALLS: readonly (readonly [call: string, says: RegExp])[] = [
  [`void monque.enqueue('mial', { to: 'a' });`, /"mial".*'NameOf<Jobs>'/],
  [`void monque.enqueue('mail');`, /Expected .* arguments?, but got 1.*'data'/s],
  [`void monque.now('report');`, /Expected .* arguments?, but got 1.*'data'/s],
  [`void monque.schedule('@daily', 'report');`, /Expected .* arguments?, but got 2.*'data'/s],
  [
    `void monque.enqueue('mail', { from: 'a' });`,
    /'from' does not exist in type '\{ to: string; \}'/,
  ],
  [
    `void monque.enqueue('report', { month: 'May' });`,
    /'string' is not assignable to type 'number'/,
  ],
  [`monque.worker('report', () => ({ href: '' }));`, /HandlerReturn<Jobs, "report">/],
  [`monque.worker('mial', () => undefined);`, /"mial".*'NameOf<Jobs>'/],
  [`monque.on('job:done', () => undefined);`, /"job:done".*keyof MonqueEventMap/],
];

/** All calls in one program: making one takes seconds. */
function messages(): string[] {
  const lines = CALLS.map(([call]) => call);
  const source = HEAD + lines.join('\n');
  const options: ts.CompilerOptions = {
    ...{ strict: true, noEmit: true, skipLibCheck: true, allowImportingTsExtensions: true },
    ...{ target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.NodeNext, types: ['node'] },
  };
  const host = ts.createCompilerHost(options);
  const read = host.getSourceFile.bind(host);
  host.getSourceFile = (path, ...rest) =>
    path === FILE ? ts.createSourceFile(path, source, ts.ScriptTarget.ES2023) : read(path, ...rest);
  const exists = host.fileExists.bind(host);
  host.fileExists = (path) => path === FILE || exists(path);
  const program = ts.createProgram([FILE], options, host);
  const said = lines.map(() => '');
  const first = HEAD.split('\n').length - 1;
  for (const found of program.getSemanticDiagnostics(program.getSourceFile(FILE))) {
    const line = found.file?.getLineAndCharacterOfPosition(found.start ?? 0).line ?? 0;
    const related = (found.relatedInformation ?? []).map(({ messageText }) => messageText);
    const texts = [found.messageText, ...related].map((text) =>
      ts.flattenDiagnosticMessageText(text, '\n'),
    );
    said[line - first] = `${said[line - first] ?? ''}${texts.join('\n')}`;
  }
  return said;
}

test('a wrong call is told in words of the user', { timeout: 60_000 }, async () => {
  await ensureBuilt();
  const said = messages();
  for (const [index, [call, says]] of CALLS.entries()) {
    expect(said[index], call).toMatch(says);
    expect(said[index], call).not.toMatch(/overload|'never'|JobArguments|IsUntyped/);
  }
});
