import { describe, expect, test } from 'vitest';
import { until } from '../../core/test/setup/until.ts';
import { make } from './control-kit.ts';
import { TestDashboard } from './dashboards.ts';
import { NOBODY } from './every-route.ts';

describe('dead letters', () => {
  async function buried() {
    const made = make({ maxRetries: 1 });
    const fail = (job: { readonly data: unknown }) => {
      throw new Error(`order ${job.data} is gone`);
    };
    made.monque.worker('mail', fail, { deadLetter: 'dead' });
    made.monque.worker('call', () => Promise.reject(new Error('no line')), { deadLetter: 'dead' });
    await made.monque.start();
    await made.monque.enqueueMany([
      ...[1, 2, 3].map((data) => ({ name: 'mail', data })),
      { name: 'call' },
    ]);
    await until('all to be dead letters', async () => {
      return (await made.monque.getJobs({ name: 'dead' })).length === 4;
    });
    await made.monque.enqueue('dead', 'enqueued as such');
    return made;
  }

  test('are grouped by where they failed and why', async () => {
    const { dashboard, monque } = await buried();
    const { body } = await dashboard.ask('dead-letters');
    expect(body).toMatchObject({ names: ['dead'], examined: 5, isComplete: true });
    expect(body.groups).toMatchObject([
      {
        ...{ name: 'dead', source: 'mail', pattern: 'order <n> is gone', count: 3 },
        sample: { status: 'pending', source: { name: 'mail', failCount: 0 } },
      },
      { name: 'dead', source: 'call', pattern: 'no line', count: 1 },
    ]);
    const [mail] = body.groups;
    expect(mail.firstAt <= mail.lastAt).toBe(true);
    expect((await dashboard.ask('dead-letters?name=mail')).body).toMatchObject({ groups: [] });
    const cut = (await dashboard.ask('dead-letters?name=dead&window=2')).body;
    expect([cut.examined, cut.isComplete]).toEqual([2, false]);
    const listed = await dashboard.ask('jobs?name=dead&deadLettersOf=call');
    expect(listed.body.jobs).toMatchObject([{ source: { name: 'call', reason: 'no line' } }]);
    await monque.stop();
  });

  test('are redriven one by one, and all at a rate after they were counted', async () => {
    const { dashboard, monque, post, done } = await buried();
    const [first] = await monque.getJobs({ deadLettersOf: 'call' });
    await monque.stop();
    const one = await post(`jobs/${first?._id}/actions/redrive`, { reason: 'the line is back' });
    expect(one.body.job).toMatchObject({ name: 'call', status: 'pending' });
    const { entries } = (await dashboard.ask(`jobs/${first?._id}/history`)).body;
    expect(entries.at(-1)).toMatchObject({ reason: 'the line is back', by: 'ann' });
    expect((await post(`jobs/${first?._id}/actions/redrive`, {})).status).toBe(409);
    const filter = { name: 'dead' };
    const preview = await post('operations/preview', { kind: 'redrive', filter });
    // One of the five was enqueued under that name.
    expect(preview.body).toMatchObject({ count: { value: 3 }, byStatus: { pending: 3 } });
    const before = Date.now();
    const operation = await done({ kind: 'redrive', filter, perSecond: 0.1, reason: 'again' });
    expect(operation).toMatchObject({ state: 'done', matched: 3, changed: 3 });
    const due = (await monque.getJobs({ name: 'mail' })).map(({ nextRunAt }) =>
      nextRunAt.getTime(),
    );
    expect(Math.max(...due) - before).toBeGreaterThanOrEqual(20_000);
    const odd = await post('operations', { kind: 'retry', filter, perSecond: 1 });
    expect([odd.status, odd.body.field]).toEqual([400, 'perSecond']);
    const all = await done({ kind: 'redrive', filter: { all: true }, limit: 1 });
    expect(all).toMatchObject({ matched: 0 });
  });

  test('are looked for under no name where no worker has one', async () => {
    const { dashboard } = make();
    expect((await dashboard.ask('dead-letters')).body).toMatchObject({
      ...{ groups: [], names: [], examined: 0, isComplete: true },
    });
  });
});

describe('flows', () => {
  test('are listed, the newest first, and show what waits for what', async () => {
    const { monque, dashboard } = make();
    const flow = await monque.enqueueFlow(
      {
        jobs: {
          a: { name: 'extract' },
          b: { name: 'extract' },
          load: { name: 'load', after: ['a', { ref: 'b', onFailure: 'continue' }] },
          tell: { name: 'tell', after: [{ ref: 'load', onFailure: 'wait' }] },
        },
      },
      { uniqueKey: 'nightly' },
    );
    await monque.enqueueFlow({ jobs: { alone: { name: 'load' } } });
    const { flows, next } = (await dashboard.ask('flows')).body;
    expect([flows.length, next]).toEqual([2, null]);
    expect(flows[1]).toMatchObject({
      ...{ id: String(flow.id), state: 'running', size: 4, uniqueKey: 'nightly' },
      counts: { pending: 2, blocked: 2 },
    });
    const page = (await dashboard.ask('flows?limit=1')).body;
    expect(page.flows).toMatchObject([{ size: 1 }]);
    const second = (await dashboard.ask(`flows?limit=1&after=${page.next}`)).body;
    expect([second.flows[0].id, second.next]).toEqual([String(flow.id), null]);
    const read = (await dashboard.ask(`flows/${flow.id}?limit=3`)).body;
    expect(read.jobs).toMatchObject([{ ref: 'a', flow: String(flow.id) }, { ref: 'b' }, {}]);
    const rest = (await dashboard.ask(`flows/${flow.id}?limit=3&after=${read.next}`)).body;
    expect([rest.jobs.length, rest.next]).toEqual([1, null]);
    const graph = (await dashboard.ask(`flows/${flow.id}/graph`)).body;
    expect(graph).toMatchObject({ examined: 4, isComplete: true });
    const refOf = (id: string) =>
      graph.nodes.find((node: { id: string }) => node.id === id).job.ref;
    type Edge = { from: string; to: string; onFailure: string };
    const shown = graph.edges.map((edge: Edge) =>
      [refOf(edge.from), refOf(edge.to), edge.onFailure].join(' '),
    );
    expect(shown.sort()).toEqual(['a load fail', 'b load continue', 'load tell wait']);
    expect(graph.nodes.map(({ level }: { level: number }) => level)).toEqual([0, 0, 1, 2]);
    const jobs = (await dashboard.ask(`jobs?flow=${flow.id}`)).body.jobs;
    expect(jobs).toHaveLength(4);
    const why = (await dashboard.ask(`jobs/${flow.jobs.load?._id}/explanation`)).body;
    expect(why.details.open).toMatchObject([{ ref: 'a', status: 'pending' }, { ref: 'b' }]);
  });

  test('are cancelled and redriven as a whole, after they were counted', async () => {
    const { monque, post, done } = make();
    const flow = await monque.enqueueFlow({
      jobs: { a: { name: 'x' }, b: { name: 'x', after: ['a'] } },
    });
    const filter = { flow: String(flow.id) };
    const preview = await post('operations/preview', { kind: 'cancelFlow', filter });
    expect(preview.body.byStatus).toEqual({ pending: 1, blocked: 1 });
    expect(await done({ kind: 'cancelFlow', filter })).toMatchObject({ changed: 2 });
    expect((await monque.getFlow(flow.id))?.state).toBe('cancelled');
    const again = await post('operations/preview', { kind: 'redriveFlow', filter });
    expect(again.body.byStatus).toEqual({ cancelled: 2 });
    expect(await done({ kind: 'redriveFlow', filter, reason: 'a mistake' })).toMatchObject({
      changed: 2,
    });
    expect((await monque.getFlow(flow.id))?.state).toBe('running');
    const odd = await post('operations', { kind: 'cancelFlow', filter: { ...filter, name: 'x' } });
    expect([odd.status, odd.body.field]).toEqual([400, 'filter']);
    const none = await post('operations', { kind: 'redriveFlow', filter: { all: true } });
    expect(none.status).toBe(400);
  });

  test('that are not there are a 404, and one without a record is left out of the list', async () => {
    const { monque, dashboard } = make();
    for (const path of [`flows/${NOBODY}`, `flows/${NOBODY}/graph`]) {
      expect((await dashboard.ask(path)).status).toBe(404);
    }
    expect((await dashboard.ask('flows/no-id')).status).toBe(400);
    await monque.enqueueFlow({ jobs: { a: { name: 'x' } } });
    const forgetful = new TestDashboard({
      ...{ health: () => monque.health(), metrics: () => monque.metrics() },
      inspect: () => monque.inspect(),
      as: (actor) => {
        const verbs = monque.as(actor);
        return {
          can: (verb: 'findJobs') => verbs.can(verb),
          getFlows: (options: { limit: number }) => verbs.getFlows(options),
          getFlow: async () => null,
        };
      },
    });
    expect((await forgetful.ask('flows')).body.flows).toEqual([]);
  });
});
