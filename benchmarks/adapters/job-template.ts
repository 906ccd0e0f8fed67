/**
 * Documents as this library stores them, made quickly: the library stores one job, and that is copied under new ids.
 * So they stay right when the stored form changes.
 *
 * @module
 */
import { Monque } from '@monque/core';
import { type Collection, type Db, type Document, ObjectId } from 'mongodb';
import { type Acknowledgement, type JobData, nameOf } from '../adapter.ts';

const COLLECTION = 'monque_jobs';
const MOST_A_COMMAND = 10_000;

/** The library's collection with its indexes, and how jobs are put into it. */
export interface TemplateCollection {
  readonly jobs: Collection<Document>;
  insert(data: readonly JobData[], names: readonly string[]): Promise<void>;
}

/** Lets the library make its collection and indexes and store one job, which is then taken out again. */
export async function prepareCollection(
  db: Db,
  writeConcern: Acknowledgement,
): Promise<TemplateCollection> {
  const monque = new Monque(db, { writeConcern });
  await monque.start();
  const stored = await monque.enqueue('template', {});
  await monque.stop();
  const jobs = db.collection<Document>(COLLECTION, { writeConcern: { w: writeConcern } });
  const template = await jobs.findOneAndDelete({ _id: stored._id });
  if (template === null) throw new Error('Expected the library to store a job, found none');
  return {
    jobs,
    insert: async (data, names) => {
      for (let at = 0; at < data.length; at += MOST_A_COMMAND) {
        const documents = data.slice(at, at + MOST_A_COMMAND).map((one) => ({
          ...template,
          _id: new ObjectId(),
          name: nameOf(one, names),
          data: one,
        }));
        await jobs.insertMany(documents, { ordered: false });
      }
    },
  };
}
