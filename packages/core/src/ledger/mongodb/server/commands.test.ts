import { type Db, type Document, ObjectId } from 'mongodb';
import { expect, test } from 'vitest';
import type { UpdateStatement } from '../lifecycle-statements.ts';
import { Commands } from './commands.ts';

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

test('a document with a field of a wrong type is changed with that field coerced', async () => {
  const id = new ObjectId();
  const coerced = () => [{ $set: { a: 1 } }];
  for (const code of [2, 14]) {
    const unfit = { n: 0, writeErrors: [{ index: 0, code, errmsg: 'Cannot apply $inc' }] };
    const { commands, sent } = commandsAnswered(unfit, unfit, { n: 1 });
    const counts = await commands.update([{ ...statement(id), coerced }]);
    expect(counts).toEqual({ matched: 1, refused: 1 });
    expect(sent.map(({ updates }) => updates)).toEqual([
      [statement(id)],
      [{ ...statement(), q: { _id: id } }],
      [{ ...statement(), q: { _id: id }, u: coerced() }],
    ]);
  }
});

test('a coerced field that is refused as well is the end of it', async () => {
  const unfit = { n: 0, writeErrors: [{ index: 0, code: 14, errmsg: 'No' }] };
  const { commands, sent } = commandsAnswered(unfit, unfit);
  const single = { ...statement(), q: { _id: new ObjectId() }, coerced: () => [] };
  expect(await commands.update([single])).toEqual({ matched: 0, refused: 1 });
  expect(sent).toHaveLength(2);
});

test('an update that is too large is sent in halves, and refused where one statement is', async () => {
  const tooLarge = new RangeError('offset is out of bounds');
  const { commands, sent } = commandsAnswered(
    tooLarge,
    { n: 2, writeErrors: [{ index: 1, code: 121, errmsg: 'No' }] },
    tooLarge,
  );
  const statements = ['a', 'b', 'c'].map((_id) => ({ ...statement(), q: { _id } }));
  expect(await commands.update(statements)).toEqual({ matched: 2, refused: 2 });
  expect(sent.map(({ updates }) => updates)).toEqual([
    statements,
    statements.slice(0, 2),
    statements.slice(2),
  ]);
});

test('an error of a whole update is passed on', async () => {
  const { commands } = commandsAnswered(new Error('No'));
  await expect(commands.update([statement(1)])).rejects.toThrow('No');
});

test('a deletion of nothing sends nothing', async () => {
  const { commands, sent } = commandsAnswered({ n: 3 });
  expect(await commands.remove([])).toBe(0);
  expect(sent).toEqual([]);
  const removal = { q: { _id: 1 }, limit: 1, hint: '_id_' } as const;
  expect(await commands.remove([removal])).toBe(3);
  expect(sent[0]).toMatchObject({ delete: 'jobs', deletes: [removal], ordered: false });
});

test('a deletion that did not reach the server for one document has confirmed none', async () => {
  const reply = { n: 0, writeErrors: [{ index: 0, code: 91, errmsg: 'Shard not reached' }] };
  const removal = { q: { _id: 1 }, limit: 1, hint: '_id_' } as const;
  const call = commandsAnswered(reply).commands.remove([removal]);
  await expect(call).rejects.toMatchObject({ code: 91 });
});
