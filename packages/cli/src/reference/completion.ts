/**
 * Scripts that complete commands and options in a shell. They hold the whole tree, so that a key starts no process.
 *
 * @module
 */
import { allOf, type CommandEntry, type OptionEntry } from './tree.ts';

/** A shell that there is a script for. */
export type Shell = 'bash' | 'zsh' | 'fish';

const MAKERS: Readonly<Record<Shell, (root: CommandEntry) => string[]>> = {
  bash: bashLines,
  zsh: zshLines,
  fish: fishLines,
};

/** The script of a shell. */
export function completionScript(shell: Shell, root: CommandEntry): string {
  return MAKERS[shell](root).join('\n');
}

/** What may be typed behind a command: commands, its options, and those that every command has. */
function wordsOf(entry: CommandEntry, root: CommandEntry): string[] {
  const options = entry === root ? root.options : [...entry.options, ...root.options];
  return [
    ...entry.children.map(({ path }) => String(path.at(-1))),
    ...entry.arguments.flatMap(({ choices }) => choices),
    ...new Set([...options.map(({ long }) => long), '--help']),
  ];
}

/** Options whose value is one of a few words, as lines of a `case`. */
function choiceCases(root: CommandEntry): string[] {
  const chosen = allOf(root).flatMap(({ options }) =>
    options.filter(({ choices }) => choices.length > 0),
  );
  const byName = new Map(chosen.map(({ long, choices }) => [long, choices]));
  return [...byName].map(([long, choices]) => `    ${long}) words='${choices.join(' ')}' ;;`);
}

/** Options that take a value, so that what stands behind them is no command. */
function valued(root: CommandEntry): string {
  const options = allOf(root).flatMap((entry) => entry.options);
  return [...new Set(options.filter(takes).map(({ long }) => long))].sort().join('|');
}

function takes({ takesValue }: OptionEntry): boolean {
  return takesValue;
}

/** The part that bash and zsh share: from the words typed so far to those that may follow. */
function sharedLines(root: CommandEntry): string[] {
  const cases = allOf(root).map(
    (entry) => `    '${entry.path.join(' ')}') words='${wordsOf(entry, root).join(' ')}' ;;`,
  );
  const paths = allOf(root)
    .slice(1)
    .map(({ path }) => `'${path.join(' ')}'`);
  return [
    '_monque_words() {',
    "  local path='' word skip='' words='' last=''",
    '  for word in "$@"; do',
    '    last="$word"',
    '    if [ -n "$skip" ]; then skip=; continue; fi',
    '    case "$word" in',
    `      ${valued(root)}) skip=1; continue ;;`,
    '      -*) continue ;;',
    '    esac',
    `    case "\${path:+$path }$word" in`,
    `      ${paths.join('|')}) path="\${path:+$path }$word" ;;`,
    '    esac',
    '  done',
    '  if [ -n "$skip" ]; then',
    '    case "$last" in',
    ...choiceCases(root),
    '    esac',
    '    printf "%s" "$words"; return',
    '  fi',
    '  case "$path" in',
    ...cases,
    '  esac',
    '  printf "%s" "$words"',
    '}',
  ];
}

function bashLines(root: CommandEntry): string[] {
  return [
    '# bash completion of monque: put `source <(monque completion bash)` into ~/.bashrc',
    ...sharedLines(root),
    '_monque() {',
    `  local typed=("\${COMP_WORDS[@]:1:COMP_CWORD-1}")`,
    `  COMPREPLY=($(compgen -W "$(_monque_words "\${typed[@]}")" -- "\${COMP_WORDS[COMP_CWORD]}"))`,
    '}',
    'complete -o default -F _monque monque',
  ];
}

function zshLines(root: CommandEntry): string[] {
  return [
    '#compdef monque',
    '# zsh completion of monque: put `source <(monque completion zsh)` into ~/.zshrc, behind compinit',
    ...sharedLines(root),
    '_monque() {',
    `  local found="$(_monque_words "\${(@)words[2,CURRENT-1]}")"`,
    `  if [ -n "$found" ]; then compadd -- \${=found}; else _files; fi`,
    '}',
    'compdef _monque monque',
  ];
}

function fishLines(root: CommandEntry): string[] {
  const always = root.options.map((option) => fishOption('', option));
  const perCommand = allOf(root).flatMap((entry) => {
    const { path, children, options } = entry;
    const condition = ` -n '${fishCondition(entry)}'`;
    const commands = children.map((child) => {
      const name = String(child.path.at(-1));
      return `complete -c monque -f${condition} -a ${name} -d ${quoted(child.description)}`;
    });
    const words = entry.arguments.flatMap(({ choices }) => choices);
    const values = words.map((word) => `complete -c monque -f${condition} -a ${word}`);
    const own = path.length === 0 ? [] : options.map((option) => fishOption(condition, option));
    return [...commands, ...values, ...own];
  });
  return [
    '# fish completion of monque: monque completion fish > ~/.config/fish/completions/monque.fish',
    ...always,
    ...perCommand,
  ];
}

/** True where exactly the words of the command were typed. */
function fishCondition({ path, children }: CommandEntry): string {
  if (path.length === 0) return '__fish_use_subcommand';
  const seen = path.map((word) => `__fish_seen_subcommand_from ${word}`);
  const further = children.map(({ path: inner }) => String(inner.at(-1)));
  const none = further.length === 0 ? [] : [`not __fish_seen_subcommand_from ${further.join(' ')}`];
  return [...seen, ...none].join('; and ');
}

function fishOption(
  condition: string,
  { long, description, choices, takesValue }: OptionEntry,
): string {
  const value = takesValue ? ' -r' : '';
  const words = choices.length > 0 ? ` -f -a '${choices.join(' ')}'` : '';
  return `complete -c monque${condition} -l ${long.slice(2)}${value}${words} -d ${quoted(description)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "\\'")}'`;
}
