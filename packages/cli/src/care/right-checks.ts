/**
 * Whether the user of the address may do all that Monque does.
 *
 * @module
 */
import type { Connection } from '../context/connection.ts';
import type { Diagnosis } from './doctor.ts';

/** A right as the server sends it. */
interface Privilege {
  readonly resource: {
    readonly db?: string;
    readonly collection?: string;
    readonly anyResource?: boolean;
  };
  readonly actions: readonly string[];
}

const EVERYWHERE = ['find', 'insert', 'update', 'remove'] as const;
const ON_JOBS = [...EVERYWHERE, 'createIndex', 'listIndexes', 'changeStream'] as const;

/** The collections beside that of the jobs which every scheduler reads, and writes when there is cause. */
const BESIDE = ['instances', 'archive', 'lanes', 'flows'] as const;

/** What is to be said of the rights of the user; nothing where the server knows no users. */
export async function rightFindings({ db, collectionName }: Connection): Promise<Diagnosis[]> {
  const { authInfo } = await db.command({ connectionStatus: 1, showPrivileges: true });
  if (authInfo.authenticatedUsers.length === 0) return [];
  const privileges: readonly Privilege[] = authInfo.authenticatedUserPrivileges;
  const needed = [
    { collection: collectionName, actions: ON_JOBS },
    ...BESIDE.map((end) => ({ collection: `${collectionName}.${end}`, actions: EVERYWHERE })),
  ];
  const findings = needed.flatMap(({ collection, actions }) => {
    const lacking = actions.filter(
      (action) => !has(privileges, db.databaseName, collection, action),
    );
    return lacking.length === 0 ? [] : [lackOf(lacking, collection, db.databaseName)];
  });
  if (findings.length > 0) return findings;
  return [
    { kind: 'rights', weight: 'fact', message: 'The user may do all that is needed', advice: '' },
  ];
}

function has(
  privileges: readonly Privilege[],
  database: string,
  collection: string,
  action: string,
): boolean {
  return privileges.some(({ resource, actions }) => {
    if (!actions.includes(action) && !actions.includes('anyAction')) return false;
    if (resource.anyResource === true) return true;
    const fits = (given: string | undefined, wanted: string): boolean =>
      given === '' || given === wanted;
    return fits(resource.db, database) && fits(resource.collection, collection);
  });
}

function lackOf(actions: readonly string[], collection: string, database: string): Diagnosis {
  return {
    ...{ kind: 'noRights', weight: 'act' },
    message: `The user may not ${actions.join(', ')} on ${database}.${collection}`,
    advice: `grant it the role readWrite on the database '${database}', or these actions`,
  };
}
