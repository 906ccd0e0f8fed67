// Times a coordination ledger of 5,000 tasks with 20,000 dependencies: node packages/ledgers/test/measure-tasks.mjs
// Build first: npm run build. It writes one file into the folder for temporary files, and removes it.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CoordinationFormat,
  CoordinationLedger,
  criticalPath,
  MarkdownRecordStore,
  statisticsOf,
} from '@monque/ledgers';

const TASKS = 5000;
const DEPENDENCIES_EACH = 4;
const ROUNDS = 5;
const PRIORITIES = ['critical', 'high', 'normal'];

function taskAt(n) {
  // The tasks just before it, so that the graph has no cycle and long chains.
  const count = Math.min(DEPENDENCIES_EACH, n);
  const dependsOn = Array.from(
    { length: count },
    (_, k) => `TASK-${n - 1 - Math.floor((k * n) / (count + 1))}`,
  );
  return {
    id: `TASK-${n}`,
    status: n % 5 === 0 ? 'in_progress' : 'defined',
    title: `Task number ${n} of a long list`,
    priority: PRIORITIES[n % 3],
    assignee: `Agent-${n % 12}`,
    reviewer: 'Agent-99',
    createdAt: new Date(1_760_000_000_000 + n * 60_000),
    updatedAt: new Date(1_760_000_000_000 + n * 60_000),
    deadline: new Date(1_770_000_000_000 + n * 60_000),
    dependsOn,
    acceptanceCriteria: [1, 2, 3].map((k) => ({
      text: `Criterion ${k} of task ${n}`,
      done: k === 1,
    })),
    requirements: [{ name: 'Documentation', text: 'The page of it' }],
    definitionOfDone: [{ text: 'It is merged', done: false }],
    history: [
      {
        at: new Date(1_760_000_000_000 + n * 60_000),
        verb: 'log',
        actor: 'Agent-1',
        reason: 'Begun',
      },
    ],
  };
}

/** Prints how long a piece of work takes by the clock and, where others use the machine too, of the processor. */
async function timed(name, work) {
  const clock = [];
  const processor = [];
  let result;
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = performance.now();
    const used = process.cpuUsage();
    result = await work();
    clock.push(performance.now() - start);
    const { user, system } = process.cpuUsage(used);
    processor.push((user + system) / 1000);
  }
  const shown = (times) =>
    `median ${times.toSorted((a, b) => a - b)[ROUNDS >> 1].toFixed(0)} ms, first ${times[0].toFixed(0)} ms`;
  console.log(`${name}: ${shown(clock)}; processor ${shown(processor)}`);
  return result;
}

const tasks = Array.from({ length: TASKS }, (_, n) => taskAt(n));
const dependencies = tasks.reduce((sum, { dependsOn }) => sum + dependsOn.length, 0);
console.log(
  `${tasks.length} tasks, ${dependencies} dependencies, ${ROUNDS} rounds, Node.js ${process.version}`,
);
const folder = await mkdtemp(join(tmpdir(), 'ledger-'));
try {
  const path = join(folder, 'TASKS.md');
  const format = new CoordinationFormat();
  await timed('statistics and critical path', () => statisticsOf(tasks, new Date()));
  const chain = await timed('critical path alone', () => criticalPath(tasks));
  const text = await timed('a whole file made of the tasks', () => format.render(tasks));
  await writeFile(path, text);
  console.log(
    `the file: ${(text.length / 1e6).toFixed(1)} million characters, ${text.split('\n').length} lines; critical path of ${chain.length}`,
  );
  await timed('the file read and parsed', async () => format.parse(await readFile(path, 'utf8')));
  const ledger = new CoordinationLedger({ store: new MarkdownRecordStore(path, format) });
  await timed('a verb: locked, read, decided, proved and written', () =>
    ledger.log('TASK-2500', 'Still at it', { actor: 'Agent-1' }),
  );
  await timed('statistics of the ledger in the file', () => ledger.statistics());
} finally {
  await rm(folder, { recursive: true });
}
