/** What people do to single jobs, whatever state these are in. */
import type { Job } from '../../../src/index.ts';
import { seriesOf } from '../facts.ts';
import type { Host } from '../host.ts';
import { WALL_START_MS } from '../machine.ts';
import { asEndOfSeries } from './series.ts';
import { type Feature, pickHost, type Users } from './users.ts';

const MOST_LATER_MS = 1_500;

/** Cancel, delete, retry and reschedule. */
export const manualVerbs: Feature = {
  plan(users) {
    const { world, chance, profile } = users;
    const at = (part: number, act: (host: Host, job: Job) => Promise<unknown>): void => {
      for (let count = 0; count < profile.jobs * part; count += 1) {
        world.in(chance.fraction() * profile.faultyMs, () => {
          const jobs = [...users.observer.facts.jobs.values()];
          const host = pickHost(users);
          if (jobs.length === 0 || host === undefined) return;
          // That a verb does not apply, or was not answered, is for the caller to know.
          act(host, chance.pick(jobs)).catch(() => undefined);
        });
      }
    };
    at(1 / 8, (host, { _id }) => host.call((monque) => monque.cancelJob(_id)));
    at(1 / 16, (host, job) => remove(users, host, job));
    at(1 / 8, (host) => retryOne(users, host));
    at(1 / 16, (host, { _id }) => {
      const runAt = WALL_START_MS + world.nowMs + chance.between(-500, MOST_LATER_MS);
      return host.call((monque) => monque.rescheduleJob(_id, new Date(runAt)));
    });
  },
  rules: [],
};

function remove(users: Users, host: Host, job: Job): Promise<unknown> {
  const act = () => host.call((monque) => monque.deleteJob(job._id));
  const series = seriesOf(job);
  return series === undefined ? act() : asEndOfSeries(users, host, series, act);
}

/** One that may be retried, when there is one. */
async function retryOne({ observer, chance }: Users, host: Host): Promise<unknown> {
  const jobs = [...observer.facts.jobs.values()];
  const over = jobs.filter(({ status }) => status === 'failed' || status === 'cancelled');
  const { _id } = chance.pick(over.length > 0 ? over : jobs);
  return host.call((monque) => monque.retryJob(_id));
}
