/**
 * Pauses: which names are paused, for all instances.
 *
 * @module
 */
import assert from 'node:assert/strict';
import { type ContractTests, INSTANCE, idsOf, type Subject } from './subject.ts';

export const pauseTests: ContractTests = {
  'nothing is paused at first': async (subject) => {
    assert.deepEqual(await paused(subject), []);
  },

  'names are paused and resumed each on its own': async (subject) => {
    await setPaused(subject, 'a', true);
    await setPaused(subject, 'b', true);
    assert.deepEqual(await paused(subject), ['a', 'b']);
    await setPaused(subject, 'a', false);
    assert.deepEqual(await paused(subject), ['b']);
  },

  'pausing and resuming may be repeated, and resuming what is not paused changes nothing': async (
    subject,
  ) => {
    for (let time = 0; time < 2; time += 1) await setPaused(subject, 'a', true);
    assert.deepEqual(await paused(subject), ['a']);
    for (let time = 0; time < 2; time += 1) await setPaused(subject, 'a', false);
    await setPaused(subject, 'never', false);
    assert.deepEqual(await paused(subject), []);
  },

  'it is said since when, by whom and why a name is paused, and again changes nothing': async (
    subject,
  ) => {
    const { ledger } = subject;
    const first = { by: 'anna', reason: 'the other side is down' };
    await ledger.setPaused({ name: 'a', paused: true, now: subject.at(5), ...first });
    await ledger.setPaused({ name: 'a', paused: true, now: subject.at(9), by: 'ben' });
    await ledger.setPaused({ name: 'b', paused: true, now: subject.at(7) });
    const pauses = [...(await ledger.readPaused())].sort((a, b) => a.name.localeCompare(b.name));
    assert.deepEqual(pauses, [
      { name: 'a', at: subject.at(5), ...first },
      { name: 'b', at: subject.at(7) },
    ]);
    await ledger.setPaused({ name: 'a', paused: false, now: subject.at(10) });
    await ledger.setPaused({ name: 'a', paused: true, now: subject.at(11) });
    const [again] = (await ledger.readPaused()).filter(({ name }) => name === 'a');
    assert.deepEqual(again, { name: 'a', at: subject.at(11) });
  },

  'many concurrent calls pause a name once': async (subject) => {
    await Promise.all(Array.from({ length: 10 }, () => setPaused(subject, 'a', true)));
    assert.deepEqual(await paused(subject), ['a']);
  },

  'a name with signs of its own is paused word for word': async (subject) => {
    const names = ['$a.b', 'a', 'pause:a', 'ä 🚀'];
    for (const name of names) await setPaused(subject, name, true);
    assert.deepEqual(await paused(subject), [...names].sort());
    await setPaused(subject, 'pause:a', false);
    assert.deepEqual(await paused(subject), names.filter((name) => name !== 'pause:a').sort());
  },

  'a pause is no job: nothing that looks at jobs meets it': async (subject) => {
    const job = await subject.putOne({ name: 'a' });
    for (const name of ['a', 'z']) await setPaused(subject, name, true);
    const { ledger } = subject;
    const now = subject.at(1000);
    for (const orderBy of ['_id', 'createdAt', 'updatedAt', 'nextRunAt'] as const) {
      for (const direction of ['ascending', 'descending'] as const) {
        const found = await ledger.findJobs({ filter: {}, orderBy, direction, limit: 10 });
        assert.deepEqual(idsOf(found), idsOf([job]));
      }
    }
    assert.deepEqual(
      (await ledger.readStats({ now })).map(({ name, count }) => [name, count]),
      [['a', 1]],
    );
    assert.deepEqual(await ledger.findClaimants({ except: [] }), []);
    assert.deepEqual(await ledger.findSeries({ limit: 10 }), []);
    assert.equal(
      await ledger.nextDue({ names: ['a', 'z'], after: now, until: subject.at(1e9) }),
      null,
    );
    assert.deepEqual(await ledger.readClaims({ instanceId: INSTANCE, limit: 10 }), []);
    assert.deepEqual(await subject.prune(), { pruned: 0 });
    assert.deepEqual(await paused(subject), ['a', 'z']);
  },
};

function setPaused(subject: Subject, name: string, isPaused: boolean): Promise<void> {
  return subject.ledger.setPaused({ name, paused: isPaused, now: subject.at(0) });
}

async function paused(subject: Subject): Promise<readonly string[]> {
  return (await subject.ledger.readPaused()).map(({ name }) => name).sort();
}
