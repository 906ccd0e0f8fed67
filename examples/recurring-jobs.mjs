import { makeTestMonque } from '@monque/core/testing';

// A scheduler on a clock that stands still, so that this program need not wait for an hour.
const { monque, clock, advance } = makeTestMonque();
const MINUTE = 60_000;
const time = (date) => date.toISOString().slice(11, 16);

monque.worker('report', (job) => {
  console.log(`report for ${time(job.scheduledFor)}, ${job.data.kind}`);
});

// Every process may ask for the same series when it boots: there is one.
const options = { uniqueKey: 'report', timezone: 'UTC' };
await monque.schedule('*/15 * * * *', 'report', { kind: 'short' }, options);
const { _id } = await monque.schedule('*/15 * * * *', 'report', { kind: 'short' }, options);
await advance(31 * MINUTE);

// Another expression, or other data, changes it.
await monque.schedule('0 * * * *', 'report', { kind: 'long' }, options);
await advance(60 * MINUTE);

// One run less; the series goes on.
const skipped = await monque.cancelJob(_id, { reason: 'holiday' });
console.log(`next at ${time(skipped.nextRunAt)}, now it is ${time(new Date(clock.now()))}`);
await advance(2 * 60 * MINUTE);

const [schedule] = await monque.getSchedules();
console.log(`${schedule.name} ${schedule.cron} ${schedule.timezone}`);
await monque.unschedule('report');
await advance(24 * 60 * MINUTE);

// An interval is counted from when the series was made, and does not drift.
monque.worker('sweep', (job) => {
  console.log(`sweep for ${time(job.scheduledFor)}`);
});
await monque.schedule({ every: '25 minutes' }, 'sweep');
await advance(60 * MINUTE);
await monque.unschedule('sweep', { uniqueKey: 'every 25 minutes' });
console.log(`series left: ${(await monque.getSchedules()).length}`);
await monque.stop();
