/**
 * The indexes: those that are there with what they cost, those that are missing, and those of another shape.
 *
 * @module
 */
import { isDeepStrictEqual } from 'node:util';
import { ENGINE_INDEXES, LISTING_INDEXES, type NamedIndex } from '@monque/core/ledger';
import type { Document } from 'mongodb';
import type { Connection } from '../context/connection.ts';
import { counted } from '../context/words.ts';
import type { Diagnosis } from './doctor.ts';

const NAMESPACE_NOT_FOUND = 26;
const MAKE =
  'call initialize() once with a user that may make indexes; in a quiet hour if there are many jobs';

/** What is to be said of the indexes of the jobs. */
export async function indexFindings({ documents }: Connection): Promise<Diagnosis[]> {
  const existing = await documents.indexes().catch((error: { code?: unknown }) => {
    if (error.code === NAMESPACE_NOT_FOUND) return undefined;
    throw error;
  });
  if (existing === undefined) {
    return [
      {
        ...{ kind: 'noCollection', weight: 'know' },
        message: `There is no collection ${documents.collectionName} yet`,
        advice: 'the first scheduler that starts makes it; is the name right?',
      },
    ];
  }
  const costs = await costsOf(documents);
  const byName = new Map(existing.map((index) => [index.name, index]));
  const required = ENGINE_INDEXES.flatMap((wanted) =>
    ofWanted(wanted, byName.get(wanted.name), costs),
  );
  const listing = LISTING_INDEXES.filter(({ name }) => byName.has(name)).flatMap((wanted) =>
    ofWanted(wanted, byName.get(wanted.name), costs),
  );
  const known = new Set([
    '_id_',
    ...[...ENGINE_INDEXES, ...LISTING_INDEXES].map(({ name }) => name),
  ]);
  const others = existing.filter(({ name }) => !known.has(String(name)));
  return [...required, ...listing, ...others.map(({ name }) => ofOther(String(name), costs))];
}

function ofWanted(
  wanted: NamedIndex,
  there: Document | undefined,
  costs: ReadonlyMap<string, string>,
): Diagnosis[] {
  const { name } = wanted;
  if (there === undefined) {
    return [
      {
        kind: 'indexMissing',
        weight: 'act',
        message: `The index ${name} is missing`,
        advice: MAKE,
      },
    ];
  }
  if (!isDeepStrictEqual(shapeOf(wanted), shapeOf(there))) {
    return [
      {
        ...{ kind: 'indexShape', weight: 'act' },
        message: `The index ${name} has another shape: ${JSON.stringify(shapeOf(there))}`,
        advice: `drop it; then ${MAKE}`,
      },
    ];
  }
  const message = `The index ${name} is there${costs.get(name) ?? ''}`;
  return [{ kind: 'index', weight: 'fact', message, advice: '' }];
}

function shapeOf({ key, unique, partialFilterExpression }: Document): Document {
  const isUnique = unique === true;
  const keys = JSON.stringify(key);
  return { keys, isUnique, ...(partialFilterExpression && { partialFilterExpression }) };
}

function ofOther(name: string, costs: ReadonlyMap<string, string>): Diagnosis {
  return {
    ...{ kind: 'otherIndex', weight: 'know' },
    message: `The index ${name} is none of Monque's${costs.get(name) ?? ''}`,
    advice:
      'each index makes every change of a job dearer by about a third; drop it if nothing reads by it',
  };
}

/** What each index takes and how often it was used, as the end of a sentence; nothing where one may not ask. */
async function costsOf(documents: Connection['documents']): Promise<Map<string, string>> {
  try {
    const [sizes] = await documents.aggregate([{ $collStats: { storageStats: {} } }]).toArray();
    const uses = await documents.aggregate([{ $indexStats: {} }]).toArray();
    const usesOf = new Map(uses.map(({ name, accesses }) => [name, Number(accesses.ops)]));
    const bytes: Readonly<Record<string, number>> = sizes?.storageStats.indexSizes;
    return new Map(
      Object.entries(bytes).map(([name, size]) => {
        const used = counted(usesOf.get(name) ?? 0, 'use');
        return [name, `: ${sizeText(size)}, ${used} since the server started`];
      }),
    );
  } catch {
    return new Map();
  }
}

function sizeText(bytes: number): string {
  return bytes < 1_048_576
    ? `${Math.ceil(bytes / 1_024)} KiB`
    : `${(bytes / 1_048_576).toFixed(1)} MiB`;
}
