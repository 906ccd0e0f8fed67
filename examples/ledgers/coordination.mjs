// Two tasks, of which one waits for the other, from their definition over a review to the statistics.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CoordinationFormat, CoordinationLedger, MarkdownRecordStore } from '@monque/ledgers';

const folder = await mkdtemp(join(tmpdir(), 'ledger-'));
const store = new MarkdownRecordStore(join(folder, 'TASKS.md'), new CoordinationFormat());
const tasks = new CoordinationLedger({ store });
await store.init();

const lead = { actor: 'Agent-4' };
const refused = (error) => console.log(error.message);

await tasks.add(
  'CRIT-001',
  {
    title: 'Store the outbox',
    priority: 'critical',
    reviewer: 'Agent-4',
    acceptanceCriteria: [{ text: 'Events survive a restart', done: false }],
    definitionOfDone: [{ text: 'Merged', done: false }],
  },
  lead,
);
await tasks.add(
  'HIGH-001',
  { title: 'Send the outbox', priority: 'high', dependsOn: ['CRIT-001'] },
  lead,
);
await tasks.depend('CRIT-001', ['HIGH-001'], lead).catch(refused);

await tasks.assign('CRIT-001', { assignee: 'Agent-1' }, lead);
await tasks.assign('HIGH-001', { assignee: 'Agent-2', reviewer: 'Agent-1' }, lead);
await tasks.start('HIGH-001', { actor: 'Agent-2' }).catch(refused);
console.log('critical path:', (await tasks.criticalPath()).map(({ id }) => id).join(' → '));

const worker = { actor: 'Agent-1' };
await tasks.start('CRIT-001', worker);
await tasks.log('CRIT-001', 'The table is there', worker);
await tasks.tick('CRIT-001', { acceptanceCriteria: ['Events survive a restart'] }, worker);
await tasks.submit('CRIT-001', worker);
await tasks.approve('CRIT-001', worker).catch(refused);
await tasks.approve('CRIT-001', lead);
await tasks.complete('CRIT-001', lead).catch(refused);
await tasks.tick('CRIT-001', { definitionOfDone: ['Merged'] }, worker);
await tasks.complete('CRIT-001', lead);
console.log('started:', (await tasks.start('HIGH-001', { actor: 'Agent-2' })).status);

const { total, byStatus, approvals } = await tasks.statistics();
console.log(
  `${byStatus.completed} of ${total} completed, ${approvals.count} of ${approvals.of} reviews approved`,
);
console.log('wrong in the file:', (await store.read()).problems.length);

await rm(folder, { recursive: true });
