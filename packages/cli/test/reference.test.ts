/**
 * What is made from the tree of commands: the pages of the documentation, and completions.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { expectGenerated } from '../../core/test/docs/pages.ts';
import { CliContext } from '../src/context/context.ts';
import { buildProgram } from '../src/program.ts';
import { completionScript } from '../src/reference/completion.ts';
import { commandPages, commonPage } from '../src/reference/pages.ts';
import { allOf, entryOf } from '../src/reference/tree.ts';
import { fakeIo, runIn } from './setup/io.ts';
import { ensurePrograms } from './setup/programs.ts';

const context = new CliContext(fakeIo());
const root = entryOf(buildProgram(context));

describe('the pages', () => {
  test('show the options and exit codes of every command', async () => {
    await expectGenerated('docs/cli/README.md', 'cli-common', commonPage(context));
  });

  for (const [page, text] of commandPages(context)) {
    test(`show the commands of ${page}`, async () => {
      await expectGenerated(`docs/cli/${page}.md`, 'cli-commands', `${text}\n`);
    });
  }

  test('hold every command, each on one page', () => {
    const commands = allOf(root).slice(1);
    expect(commands.length).toBeGreaterThan(30);
    expect(commands.filter(({ page }) => page === undefined)).toEqual([]);
    const pages = [...commandPages(context).values()].join('\n');
    for (const { path, children } of commands) {
      const headings = pages.split('\n').filter((line) => line === `## ${path.join(' ')}`);
      expect({ path, count: headings.length }).toEqual({
        path,
        count: children.length > 0 ? 0 : 1,
      });
    }
  });

  test('and help say what every command, argument and option is for', () => {
    for (const { path, description, options, arguments: given } of allOf(root)) {
      for (const said of [description, ...[...options, ...given].map((one) => one.description)]) {
        expect({ path, isSaid: said.length > 2 }).toEqual({ path, isSaid: true });
      }
    }
  });

  test('examples are command lines that are understood', async () => {
    for (const { line } of allOf(root).flatMap(({ examples }) => examples)) {
      const words = /\bmonque ([^)>]*)/.exec(line)?.[1] ?? '';
      const argv = [...words.trim().matchAll(/'([^']*)'|(\S+)/g)].map(
        ([, quoted, bare]) => quoted ?? bare,
      );
      const { err } = await runIn(fakeIo(), ...(argv as string[]));
      expect({ line, err }).not.toEqual({ line, err: expect.stringContaining('error:') });
    }
  });
});

describe('completion', () => {
  let folder: string;

  beforeAll(async () => {
    await ensurePrograms('zsh', 'fish');
  }, 120_000);

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'monque-completion-'));
    return () => rm(folder, { recursive: true });
  });

  async function inShell(shell: 'bash' | 'zsh' | 'fish', program: string): Promise<string> {
    const script = join(folder, `monque.${shell}`);
    await writeFile(script, completionScript(shell, root));
    const { stdout } = await promisify(execFile)(shell, ['-c', program.replace('SCRIPT', script)]);
    return stdout;
  }

  const CASES: readonly (readonly [typed: readonly string[], offered: string])[] = [
    [['jo'], 'jobs'],
    [['jobs', 're'], 'retry reschedule'],
    [['--uri', 'jobs', 'series', 'sk'], 'skip'],
    [['jobs', 'list', '--sor'], '--sort'],
    [['jobs', 'list', '--sort', ''], 'id due created updated'],
    [['completion', 'ba'], 'bash'],
    [['why', '--js'], '--json'],
  ];

  test('in bash offers what may follow', async () => {
    const one = `t() { COMP_WORDS=(monque "$@"); COMP_CWORD=$#; _monque; echo "\${COMPREPLY[@]}"; }`;
    const calls = CASES.map(([typed]) => `t ${typed.map((word) => `'${word}'`).join(' ')}`);
    const out = await inShell('bash', `source SCRIPT; ${one}; ${calls.join('; ')}`);
    expect(out.trimEnd().split('\n')).toEqual(CASES.map(([, offered]) => offered));
  });

  test('in zsh offers what may follow', async () => {
    const stubs = `compdef() { :; }; compadd() { shift; for w in "$@"; do [[ $w == \${words[CURRENT]}* ]] && print -n -- "$w "; done; print; }; _files() { print FILES; }`;
    const calls = CASES.map(
      ([typed]) =>
        `words=(monque ${typed.map((word) => `'${word}'`).join(' ')}); CURRENT=\${#words}; _monque`,
    );
    const out = await inShell('zsh', `${stubs}; source SCRIPT; ${calls.join('; ')}`);
    const offered = out
      .trimEnd()
      .split('\n')
      .map((line) => line.trim());
    expect(offered).toEqual(CASES.map(([, words]) => words));
    const file = `${stubs}; source SCRIPT; words=(monque export --output ''); CURRENT=4; _monque`;
    expect(await inShell('zsh', file)).toBe('FILES\n');
  });

  test('in fish offers what may follow', async () => {
    const calls = CASES.map(([typed]) => `complete -C 'monque ${typed.join(' ')}'; echo END`);
    const out = await inShell('fish', `source SCRIPT; ${calls.join('; ')}`);
    const offered = out.split(/^END$/m).map((part) =>
      part
        .trim()
        .split('\n')
        .map((line) => line.split('\t')[0])
        .sort(),
    );
    for (const [index, [, words]] of CASES.entries()) {
      expect(offered[index]).toEqual(words.split(' ').sort());
    }
  });

  test('is printed by the command', async () => {
    for (const shell of ['bash', 'zsh', 'fish'] as const) {
      const { code, out } = await runIn(fakeIo(), 'completion', shell);
      expect({ code, out }).toEqual({ code: 0, out: `${completionScript(shell, root)}\n` });
    }
  });
});
