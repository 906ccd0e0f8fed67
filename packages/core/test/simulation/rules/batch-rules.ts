/** What must hold of jobs that are run together. */
import { SUSPECT_RESCUE_COUNT } from '../../../src/ledger/ledger-repository.ts';
import type { Facts } from '../facts.ts';
import { BATCH_SIZE } from '../features/batch-work.ts';
import { GROUPED_NAME } from '../features/users.ts';
import { describe } from './job-rules.ts';
import type { Rule, Violate } from './rule.ts';

/**
 * A batch is no larger than it may be, of one name, and of one group where it is made by group. It has at most one job of a
 * key of an order, each under a claim, and a job that its instances died of is alone. That each has an end of its own, which is recorded once, and that the limit of
 * a group and the order of a key are kept, is for the rules of runs, groups and orders.
 */
export function batchRule(facts: Facts, violate: Violate): Rule {
  return {
    batchStarted(jobs) {
      facts.counts.batches += 1;
      const told = jobs.map((job) => describe(job)).join();
      const names = new Set(jobs.map(({ name }) => name));
      const ids = new Set(jobs.map(({ _id }) => _id.toHexString()));
      const ordered = jobs.flatMap(({ order }) => (order === undefined ? [] : [order]));
      if (jobs.length > BATCH_SIZE) violate('a batch is too large', told);
      if (names.size > 1 || ids.size < jobs.length) violate('a batch is mixed up', told);
      if (new Set(ordered).size < ordered.length) violate('two of an order are in a batch', told);
      const groups = new Set(
        jobs.flatMap(({ name, group }) => (name === GROUPED_NAME ? [group] : [])),
      );
      if (groups.size > 1) violate('groups are mixed in a batch', told);
      const isSuspect = jobs.some(({ rescueCount = 0 }) => rescueCount >= SUSPECT_RESCUE_COUNT);
      if (isSuspect && jobs.length > 1) violate('a suspect is not alone in its batch', told);
    },
  };
}
