/**
 * Groups, as people set and see them.
 *
 * @module
 */
import type { EngineContext } from '../context/scheduler-context.ts';
import { checkFields, checkJobName, integer } from '../foundation/argument-checks.ts';
import type { GroupRecord } from '../ledger/ledger-repository.ts';
import { checkGroupOptions, type GroupOptions, resolveRate } from '../options/group-options.ts';
import { type ManualVerbOptions, whyOf } from '../options/manual-verb-options.ts';
import { checkGroup } from '../options/run-options.ts';

const MOST_GROUPS = 1_000;
const DEFAULT_GROUPS = 100;

/** Which groups are read. */
export interface GroupsOptions {
  /** Those behind this one, for the next page: the last one of the page before. */
  readonly after?: string;
  /** How many at most, from 1 to 1000. @default 100 */
  readonly limit?: number;
}

/** One group that has pending jobs, settings of its own or recent claims, with what holds for it. */
export type GroupInfo = GroupRecord;

/** A group, and what is set of it. */
interface GroupToSet {
  readonly name: string;
  readonly group: string;
  readonly settings: GroupOptions;
}

type GroupsContext = Pick<EngineContext, 'ledger' | 'ledgerTime' | 'ready'>;

/** Sets what a group may do, for all processes; `onSet` is called once it is stored. */
export async function setGroup(
  { ledger, ledgerTime, ready, emit }: GroupsContext & Pick<EngineContext, 'emit'>,
  { name, group, settings }: GroupToSet,
  options: ManualVerbOptions,
  onSet: () => void,
): Promise<void> {
  checkJobName('name', name);
  checkGroup('group', group);
  checkGroupOptions('settings', settings);
  const why = whyOf(options);
  const { rate, ...rest } = settings;
  await ready();
  await ledger.setGroup({
    ...{ name, group, ...rest },
    ...(rate !== undefined && { rate: resolveRate(rate) }),
    ...{ now: ledgerTime.now(), ...why },
  });
  onSet();
  const { paused } = settings;
  if (paused !== undefined) emit(paused ? 'group:paused' : 'group:resumed', { name, group });
}

/**
 * A page of the groups of a name.
 *
 * @throws InvalidArgumentError naming the field
 */
export async function readGroups(
  { ledger, ledgerTime, ready }: GroupsContext,
  name: string,
  options: GroupsOptions,
): Promise<GroupInfo[]> {
  checkJobName('name', name);
  checkFields('options', options, { after: checkGroup, limit: integer(1, MOST_GROUPS) });
  const { limit = DEFAULT_GROUPS, after } = options;
  await ready();
  const page = { name, limit, now: ledgerTime.now(), ...(after !== undefined && { after }) };
  return [...(await ledger.readGroups(page))];
}
