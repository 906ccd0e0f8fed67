/**
 * What each entry of the package exports: values as they run, types as the compiler sees them.
 */
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import * as root from '../../src/index.ts';
import * as ledger from '../../src/ledger-api.ts';
import { PACKAGE } from './built.ts';

/** What a user of a scheduler may need at run time. Whoever adds to it says why in the pages. */
const VALUES_OF_ROOT = [
  // The scheduler, and both ledgers.
  ...['Monque', 'LedgerRepository', 'InMemoryLedgerRepository', 'MongoLedgerRepository'],
  // Times of cron expressions.
  'cronTimes',
  // What handlers and workers are written with.
  ...['HandlerOutcome', 'cancel', 'discard', 'gate', 'snooze', 'stage'],
  // What is known of jobs.
  ...['JobStatus', 'JOB_LIFECYCLE', 'COUNTERS', 'GAUGES', 'HISTOGRAMS'],
  // Defaults, and the doors to time and chance.
  ...['DEFAULTS', 'systemClock', 'systemRandom'],
  // What is thrown.
  ...['MonqueError', 'AccessDeniedError', 'ConnectionError', 'FlowAbandonedError'],
  ...['InvalidArgumentError', 'InvalidCronError', 'InvariantViolationError', 'JobStateError'],
  ...['LedgerFullError', 'ShutdownTimeoutError', 'UndecodableError', 'UniqueKeyTakenError'],
  ...['UnknownOutcomeError', 'UnsupportedError', 'WaitError'],
];

/** The types that users write. What is only a part of one of these is in the entry `types`. */
const TYPES_OF_ROOT = [
  // The scheduler, its options and its events.
  ...['MonqueManagement', 'MonqueOptions', 'MonquePublicAPI', 'MonqueEventMap'],
  ...['ReconfigureOptions', 'Clock', 'Random', 'Alert', 'Logger', 'LogFields', 'Instrumentation'],
  ...['Codec', 'CodecContext', 'Access', 'AccessQuestion', 'Actor'],
  ...['InvariantRule', 'InvariantViolation', 'MonqueErrorCode'],
  // Jobs, and the types that a scheduler is given for its jobs.
  ...['Job', 'JobMetadata', 'HistoryEntry', 'JobTypes', 'JobOf', 'DataOf', 'NameOf', 'ResultOf'],
  // Workers.
  ...['JobHandler', 'JobContext', 'WorkerOptions', 'BackoffFunction', 'DefinedJob'],
  ...['BatchContext', 'BatchHandler', 'Stage', 'StageContext', 'StageHandler'],
  // What is asked for.
  ...['EnqueueEntry', 'EnqueueOptions', 'FlowGraph', 'FlowOptions', 'ScheduleOptions'],
  ...['GetJobsOptions', 'GetJobsWithCursorOptions', 'JobsFilter', 'MetadataFilter'],
  ...['LimitOptions', 'WaitForOptions', 'Inbox', 'Outbox', 'PublishedMessage'],
  // What is answered.
  ...['BulkResult', 'JobsPage', 'Schedule', 'QueueStats', 'Flow', 'FlowInfo', 'GroupInfo'],
  ...['Backlog', 'LimitInfo', 'OrderInfo', 'Health', 'Ping', 'MetricsSnapshot', 'Inspection'],
  ...['Explanation', 'ExplanationReason', 'AuditReport', 'Throughput'],
];

/** The most names that the root may have; more, and users have to search. */
const MOST_NAMES = 105;

const ENTRIES = ['index', 'types-api', 'ledger-api', 'testing/index', 'migration/index'];
const SOURCES = join(PACKAGE, 'src');
const program = ts.createProgram(
  ENTRIES.map((entry) => join(SOURCES, `${entry}.ts`)),
  {
    ...{ module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2023, strict: true },
    ...{ allowImportingTsExtensions: true, noEmit: true, skipLibCheck: true, types: ['node'] },
  },
);
const checker = program.getTypeChecker();

/** The names that an entry exports as types alone. */
function typesOf(entry: string): string[] {
  return exportsOf(entry)
    .filter((symbol) => (meant(symbol).flags & ts.SymbolFlags.Value) === 0 || isTypeOnly(symbol))
    .map(({ name }) => name);
}

/** True for a class that is exported without its constructor. */
function isTypeOnly(symbol: ts.Symbol): boolean {
  return symbol.declarations?.some(ts.isTypeOnlyExportDeclaration) === true;
}

function exportsOf(entry: string): ts.Symbol[] {
  const file = program.getSourceFile(join(SOURCES, `${entry}.ts`));
  const symbol = file && checker.getSymbolAtLocation(file);
  return symbol ? checker.getExportsOfModule(symbol) : [];
}

/** What a name stands for where it is declared. */
function meant(symbol: ts.Symbol): ts.Symbol {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

describe('the root', () => {
  test('exports what users of a scheduler write, and no helper of ledgers', () => {
    expect(Object.keys(root).sort()).toEqual([...VALUES_OF_ROOT].sort());
    expect(typesOf('index').sort()).toEqual([...TYPES_OF_ROOT].sort());
  });

  test('has few enough names to be read', () => {
    expect(exportsOf('index').length).toBeLessThanOrEqual(MOST_NAMES);
  });
});

test('the entry of types has types alone, and none that the root has', () => {
  const types = exportsOf('types-api').map(({ name }) => name);
  expect(types.length).toBeGreaterThan(100);
  expect(types).toEqual(typesOf('types-api'));
  const ofRoot = new Set(exportsOf('index').map(({ name }) => name));
  expect(types.filter((name) => ofRoot.has(name))).toEqual([]);
});

test('what two entries have is the same', () => {
  const both = Object.entries(ledger).filter(([name]) => name in root);
  expect(both.map(([name]) => name)).toContain('LedgerRepository');
  for (const [name, value] of both) expect(value).toBe(Reflect.get(root, name));
  const symbols = new Map<string, ts.Symbol>();
  for (const symbol of ENTRIES.flatMap(exportsOf)) {
    const first = symbols.get(symbol.name) ?? meant(symbol);
    expect(meant(symbol) === first, symbol.name).toBe(true);
    symbols.set(symbol.name, first);
  }
});

/** What no declaration of an application ever names, and why. */
const WITHIN = new Set([
  // They compute another type, which is what is named.
  ...['EntryOf', 'DataOfEntry', 'ResultOfEntry', 'IsUntyped', 'OptionWithoutDefault', 'Gathered'],
  ...['FlowVerb', 'DeadLetterVerb'],
  // A scheduler gives them to what it makes, and nobody else makes that.
  ...['OutboxContext', 'Enqueue', 'StoredMessage', 'TransactionContext', 'WaitFacts'],
  // Only the engine reads it.
  'Outcome',
  // A class is built on them, or has them for its subclasses, or behind its overloads.
  ...['StoreWithVerbs', 'TypedVerbs', 'JobsClient', 'GivenWork'],
]);

/** The names of types that the public part of a declaration names, with what they stand for. */
function namedIn(declaration: ts.Node): ts.Symbol[] {
  const named: ts.Symbol[] = [];
  const visit = (node: ts.Node): void => {
    if (isHidden(node)) return;
    const name = nameOf(node);
    const symbol = name && checker.getSymbolAtLocation(name);
    if (symbol) named.push(meant(symbol));
    ts.forEachChild(node, visit);
  };
  visit(declaration);
  return named;
}

/** What does not reach a declaration file: bodies, values, and members of no concern to others. */
function isHidden(node: ts.Node): boolean {
  if (ts.isBlock(node) || ts.isExpressionStatement(node)) return true;
  if (ts.isClassElement(node) && node.name && ts.isPrivateIdentifier(node.name)) return true;
  const modifiers = ts.canHaveModifiers(node) ? ts.getModifiers(node) : undefined;
  if (modifiers?.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword)) return true;
  const { parent } = node;
  const hasValue = ts.isVariableDeclaration(parent) || ts.isPropertyDeclaration(parent);
  return (hasValue || ts.isParameter(parent)) && parent.initializer === node;
}

function nameOf(node: ts.Node): ts.Node | undefined {
  if (ts.isTypeReferenceNode(node)) return node.typeName;
  return ts.isExpressionWithTypeArguments(node) ? node.expression : undefined;
}

function isOurs(symbol: ts.Symbol): boolean {
  const isParameter = (symbol.flags & ts.SymbolFlags.TypeParameter) !== 0;
  const [first] = symbol.declarations ?? [];
  return !isParameter && first?.getSourceFile().fileName.startsWith(SOURCES) === true;
}

test('every type that an export names is exported itself: a declaration of an application can name it', () => {
  const exported = new Set(ENTRIES.flatMap(exportsOf).map(meant));
  const missing = new Set<string>();
  expect(exported.size).toBeGreaterThan(300);
  for (const symbol of exported) {
    for (const named of (symbol.declarations ?? []).flatMap(namedIn)) {
      if (isOurs(named) && !exported.has(named)) missing.add(named.name);
    }
  }
  expect([...missing].sort()).toEqual([...WITHIN].sort());
});
