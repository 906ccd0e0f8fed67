import { type Db, type Document, ObjectId } from 'mongodb';
import { expect, test } from 'vitest';
import { Commands } from './commands.ts';
import type { UpdateStatement } from './queries.ts';

/** Sends commands to a Db that gives these replies, or throws these errors, in order. */
function commandsAnswered(...answers: readonly (Document | Error)[]) {
  const sent: Document[] = [];
  const command = async (document: Document) => {
    sent.push(document);
    const answer = answers[sent.length - 1] ?? { n: 0 };
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const db = { command } as unknown as Db;
  return { sent, commands: new Commands(db, 'jobs', 'majority', 1_000) };
}

function statement(...ids: readonly unknown[]): UpdateStatement {
  return { q: { _id: { $in: ids } }, u: { $set: { a: 1 } }, multi: true, hint: '_id_' };
}

test('a router that did not reach the server for one document has confirmed none', async () => {
  for (const code of [6, 91, 189, 10107]) {
    const reply = { n: 1, writeErrors: [{ index: 0, code, errmsg: 'Shard not reached' }] };
    const insert = commandsAnswered(reply).commands.insert([{}]);
    await expect(insert).rejects.toMatchObject({ code, message: 'Shard not reached' });
    const update = commandsAnswered(reply).commands.update([statement(1)]);
    await expect(update).rejects.toMatchObject({ code });
  }
});

test('the errors of single documents are given back', async () => {
  const writeErrors = [{ index: 1, code: 121, errmsg: 'Document failed validation' }];
  const { commands } = commandsAnswered({ n: 1, writeErrors });
  expect(await commands.insert([{}, {}])).toEqual(writeErrors);
});

test('errors in the half of a batch keep their places in the whole', async () => {
  const { commands, sent } = commandsAnswered(
    new RangeError('offset is out of bounds'),
    { n: 2 },
    { n: 0, writeErrors: [{ index: 0, code: 121, errmsg: 'No' }] },
  );
  const documents = [{ a: 1 }, { a: 2 }, { a: 3 }];
  expect(await commands.insert(documents)).toEqual([{ index: 2, code: 121, errmsg: 'No' }]);
  expect(sent.map((command) => command.documents)).toEqual([
    documents,
    documents.slice(0, 2),
    documents.slice(2),
  ]);
});

test('an error of a whole insert is passed on', async () => {
  const { commands } = commandsAnswered(new Error('No'));
  await expect(commands.insert([{}, {}])).rejects.toThrow('No');
});

test('an update of nothing sends nothing', async () => {
  const { commands, sent } = commandsAnswered();
  expect(await commands.update([])).toEqual({ matched: 0, refused: 0 });
  expect(sent).toEqual([]);
});

test('a statement that ended with an error is repeated for one document at a time', async () => {
  const ids = [new ObjectId(), new ObjectId()];
  const { commands, sent } = commandsAnswered(
    { n: 5, writeErrors: [{ index: 1, code: 121, errmsg: 'No' }] },
    { n: 1, writeErrors: [{ index: 0, code: 121, errmsg: 'No' }] },
  );
  const counts = await commands.update([statement(1, 2), statement(...ids)]);
  expect(counts).toEqual({ matched: 6, refused: 1 });
  expect(sent).toHaveLength(2);
  expect(sent[1]?.updates).toEqual(ids.map((_id) => ({ ...statement(), q: { _id } })));
});
