/**
 * The parts of the MongoDB ledger and the collections they work on. A new part is made here, and nowhere else.
 *
 * @module
 */
import type { Db } from 'mongodb';
import type { Job } from '../../job/job.ts';
import {
  gathered,
  type LedgerVerbs,
  type NextDueParams,
  type RepairParams,
  type SetMetadataParams,
} from '../ledger-repository.ts';
import { type ClaimBounds, MongoClaims } from './claims.ts';
import { MongoEnqueue } from './enqueue.ts';
import type { FlowDocument } from './flows/flow-queries.ts';
import { MongoFlows } from './flows/flows.ts';
import { MongoGroupListing } from './groups/group-listing.ts';
import type { GroupDocument } from './groups/group-queries.ts';
import { MongoGroups } from './groups/groups.ts';
import { MongoLanes } from './groups/lanes.ts';
import { MongoInspection } from './inspection.ts';
import { type LeaseDocument, MongoLeases } from './leases.ts';
import type { LimitDocument } from './limits/limit-documents.ts';
import { MongoLimits } from './limits/limits.ts';
import { MongoListing } from './listing.ts';
import { MongoControl } from './manual-verbs.ts';
import { setMetadata } from './metadata.ts';
import { MongoJobs } from './moves.ts';
import { nextDue } from './next-due.ts';
import type { LaneDocument } from './orders/lane-queries.ts';
import { MongoOrders } from './orders/orders.ts';
import type { PauseDocument } from './pause-documents.ts';
import { MongoPauses } from './pauses.ts';
import { MongoPruning } from './pruning.ts';
import { repair } from './repair.ts';
import { MongoRescue } from './rescue.ts';
import { MongoSeries } from './series.ts';
import type { WriteConcernOption } from './server/commands.ts';
import { Commands } from './server/commands.ts';
import { MongoSettle } from './settle.ts';
import { MongoStages } from './stages.ts';
import { MongoThroughput, type ThroughputDocument } from './throughput/throughput.ts';
import { type MarkDocument, MongoTransactions } from './transactions/transactions.ts';
import { MongoTransitions } from './transition-log.ts';

/** What the parts are made from. */
export interface PartSettings {
  readonly collectionName: string;
  readonly writeConcern: WriteConcernOption;
  readonly transitionLog: boolean;
  readonly bounds: ClaimBounds;
  /** False where somebody else makes indexes. */
  readonly mayMake: boolean;
}

/** The verbs, and the parts that the ledger itself needs. */
export interface MongoParts {
  readonly jobs: MongoJobs;
  readonly leases: MongoLeases;
  readonly log: MongoTransitions | undefined;
  readonly transactions: MongoTransactions;
  readonly verbs: LedgerVerbs;
}

/** Makes all parts of a ledger. */
export function mongoParts(db: Db, settings: PartSettings): MongoParts {
  const { collectionName, writeConcern, transitionLog, bounds, mayMake } = settings;
  const { clock, random, operationTimeoutMs } = bounds;
  const commandsOf = (name: string, concern = writeConcern): Commands =>
    new Commands(db, name, concern, operationTimeoutMs);
  const logName = `${collectionName}.transitions`;
  const log = transitionLog
    ? new MongoTransitions(db.collection(logName), commandsOf(logName), random)
    : undefined;
  const archiveName = `${collectionName}.archive`;
  const archive = new MongoJobs(db.collection<Job>(archiveName), commandsOf(archiveName));
  const jobs = new MongoJobs(db.collection<Job>(collectionName), commandsOf(collectionName), log);
  const claims = new MongoClaims(jobs, bounds);
  const lanesName = `${collectionName}.lanes`;
  const inLanes = { jobs, claims, bounds, laneCommands: commandsOf(lanesName) };
  const leasesName = `${collectionName}.instances`;
  const instances = db.collection<LeaseDocument>(leasesName);
  const lanes = db.collection<LaneDocument>(lanesName);
  const orders = new MongoOrders({ ...inLanes, lanes, leases: instances });
  const groups = new MongoLanes({ ...inLanes, lanes: db.collection<GroupDocument>(lanesName) });
  const flowsName = `${collectionName}.flows`;
  const flows = new MongoFlows({
    ...{ jobs, commands: commandsOf(flowsName) },
    flows: db.collection<FlowDocument>(flowsName),
  });
  const hasClaims = async (id: string) => (await claims.standing(id, 1)).length > 0;
  const leases = new MongoLeases(instances, commandsOf(leasesName, 'majority'), hasClaims);
  const marksName = `${collectionName}.marks`;
  const marks = db.collection<MarkDocument>(marksName);
  const transactions = new MongoTransactions({
    db,
    marks,
    commands: commandsOf(marksName),
    mayMake,
  });
  const verbs = gathered(
    new MongoEnqueue(jobs),
    claims,
    orders,
    new MongoGroups(groups),
    new MongoGroupListing(groups),
    flows,
    new MongoSettle(jobs),
    new MongoStages(jobs, orders),
    new MongoControl(jobs, clock, flows.leaving),
    new MongoSeries(jobs),
    new MongoListing(jobs, archive),
    new MongoInspection(jobs),
    rescueOf(jobs, { leases, claims, orders }),
    new MongoPauses(db.collection<PauseDocument>(collectionName), jobs.commands),
    new MongoLimits(
      db.collection<LimitDocument>(collectionName),
      jobs.commands,
      async (instanceId) => (await leases.isLive(instanceId)) || (await hasClaims(instanceId)),
    ),
    new MongoPruning(jobs, archive, orders, flows.leaving),
    leases,
    throughputOf(db, settings),
    {
      readTime: () => readTime(db),
      setMetadata: (params: SetMetadataParams) => setMetadata(jobs, params),
      repair: (params: RepairParams) => repair(jobs, params),
      nextDue: (params: NextDueParams) => nextDue(jobs, params),
    },
  );
  return { jobs, leases, log, transactions, verbs };
}

function rescueOf(
  jobs: MongoJobs,
  {
    leases,
    claims,
    orders,
  }: { readonly leases: MongoLeases; readonly claims: MongoClaims; readonly orders: MongoOrders },
): MongoRescue {
  return new MongoRescue(jobs, {
    leaseOf: (instanceId) => leases.leaseOf(instanceId),
    claimsOf: (instanceId, limit) => claims.standing(instanceId, limit),
    orders,
  });
}

/** Confirmed by the primary alone: nothing rests on it. */
function throughputOf(db: Db, { collectionName, bounds, mayMake }: PartSettings): MongoThroughput {
  const name = `${collectionName}.throughput`;
  return new MongoThroughput({
    collection: db.collection<ThroughputDocument>(name),
    commands: new Commands(db, name, 1, bounds.operationTimeoutMs),
    mayMake,
  });
}

async function readTime(db: Db): Promise<Date> {
  const hello = await db.command({ hello: 1 }, { readPreference: 'primary' });
  return hello.localTime;
}
