import { ObjectId } from 'mongodb';
import { expect, test } from 'vitest';
import { hintPipeline, toHint } from './hint-pipeline.ts';

const DUE = new Date('2025-01-01T00:00:00Z');
const _id = new ObjectId();

test('the change stream carries no data of a job', () => {
  const [match, project] = hintPipeline();
  expect(Object.keys(match ?? {})).toEqual(['$match']);
  expect(Object.keys(project?.$project).sort()).toEqual([
    ...['documentKey._id', 'fullDocument.name', 'fullDocument.nextRunAt', 'operationType'],
    'updateDescription.updatedFields.cancelRequestedAt',
    'updateDescription.updatedFields.nextRunAt',
  ]);
});

test('a new job is due at its time, under its name', () => {
  const fullDocument = { name: 'a', nextRunAt: DUE };
  expect(toHint({ operationType: 'insert', documentKey: { _id }, fullDocument })).toEqual({
    ...{ kind: 'due', name: 'a', dueAt: DUE },
  });
});

test('a job that was changed is due, at a time where that was changed', () => {
  const change = (updatedFields: object) =>
    toHint({ operationType: 'update', documentKey: { _id }, updateDescription: { updatedFields } });
  expect(change({})).toEqual({ kind: 'due' });
  expect(change({ nextRunAt: DUE })).toEqual({ kind: 'due', dueAt: DUE });
  expect(change({ cancelRequestedAt: DUE })).toEqual({ kind: 'cancelRequested', jobId: _id });
});

test('a document that was written manually gives no hint that cannot be used', () => {
  const fullDocument = { name: 7, nextRunAt: 'tomorrow' };
  expect(toHint({ operationType: 'replace', documentKey: { _id }, fullDocument })).toEqual({
    kind: 'due',
  });
});

test('a document with a text for an id is a pause, and so is one that is gone', () => {
  const documentKey = { _id: 'pause:a' };
  expect(toHint({ operationType: 'delete', documentKey })).toEqual({ kind: 'pausesChanged' });
});
