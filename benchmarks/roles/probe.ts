/**
 * Enqueues a job at the word `go`, runs jobs, or both, and reports when: for how soon an idle worker picks up a job.
 *
 * @module
 */
import { jobData, type System } from '../adapter.ts';
import { type Link, param, type Role, sharedNowNs } from './role.ts';

/** `isWorking` and `isEnqueuing` are 1 or 0. */
export const probe: Role = async ({ open, place, params, link }) => {
  const system = await open(place);
  if (param(params, 'isWorking') === 1) {
    await system.work({
      started: ({ index }) => link.note({ index, startedNs: sharedNowNs() }),
      recorded: () => {},
    });
  }
  link.note({ ready: true });
  if (param(params, 'isEnqueuing') === 1) await enqueueOnRequest(system, link);
  else while ((await link.receive()) !== 'end');
  await system.close();
  return {};
};

async function enqueueOnRequest(system: System, link: Link): Promise<void> {
  for (let index = 0; (await link.receive()) !== 'end'; index += 1) {
    const sentNs = sharedNowNs();
    await system.enqueue(jobData(index));
    link.note({ index, sentNs, acknowledgedNs: sharedNowNs() });
  }
}
