import { describe, expect, test } from 'vitest';
import {
  type AuditReport,
  InMemoryLedgerRepository,
  InvalidArgumentError,
  type Job,
  Monque,
  MonqueError,
  type MonqueOptions,
} from '../../src/index.ts';
import { ManualClock, makeJob } from '../../src/testing/index.ts';
import type { LedgerWrite } from '../../src/types-api.ts';
import { BROKEN, findingsOf, putBroken } from './audit.ts';

/** A ledger that takes jobs in any state, as a database does from other tools. */
class OpenLedger extends InMemoryLedgerRepository {
  async put(job: Job): Promise<void> {
    await this.verbs.enqueue({ jobs: [job] });
  }
}

function makeOpen(options: MonqueOptions = {}) {
  const clock = new ManualClock();
  const ledger = new OpenLedger({ clock });
  return { ledger, monque: new Monque(ledger, { clock, ...options }) };
}

describe('an audit', () => {
  test('finds each job that breaks a rule, and changes none', async () => {
    const { monque, ledger } = makeOpen();
    const jobs = await putBroken((job) => ledger.put(job));
    const before = await monque.getJobs({ limit: 100 });
    const report = await findingsOf(monque, false);
    expect(report).toMatchObject({ audited: 2 * BROKEN.length, repaired: 0, isComplete: true });
    expect(
      report.findings.map(({ name, rule, isRepaired }) => ({ name, rule, isRepaired })),
    ).toEqual(
      expect.arrayContaining(BROKEN.map(({ name, rule }) => ({ name, rule, isRepaired: false }))),
    );
    expect(report.findings).toHaveLength(jobs.length);
    expect(report.violations).toEqual({
      ...{ status: 4, stageOrder: 1, gateEvidence: 2 },
      ...{ retryCount: 1, locks: 1 },
    });
    expect(await monque.getJobs({ limit: 100 })).toEqual(before);
  });

  test('that repairs repairs what can be repaired, and finds nothing of that again', async () => {
    const { monque, ledger } = makeOpen();
    await putBroken((job) => ledger.put(job));
    const report = await findingsOf(monque, true);
    const repairable = BROKEN.filter(({ repaired }) => repaired);
    expect(report.repaired).toBe(repairable.length);
    for (const { name, repaired } of repairable) {
      const [job] = await monque.getJobs({ name });
      expect(job, name).toMatchObject({
        ...Object.fromEntries(Object.entries(repaired ?? {}).filter(([, value]) => value)),
        history: [{ verb: 'repair' }],
      });
      for (const [field, value] of Object.entries(repaired ?? {})) {
        expect(job?.[field as 'data'], `${name}: ${field}`).toEqual(value);
      }
    }
    const again = await findingsOf(monque, true);
    expect(again.findings).toHaveLength(BROKEN.length - repairable.length);
    expect(again.repaired).toBe(0);
  });

  test('leaves a job alone that went on since it was read', async () => {
    const { monque, ledger } = makeOpen();
    const [first] = await putBroken((job) => ledger.put(job));
    const repair = ledger.repair.bind(ledger);
    ledger.repair = async (params) => {
      const { jobId } = params;
      if (first?._id.equals(jobId)) {
        await ledger.setMetadata({ jobId, changes: { seen: true }, now: new Date(9_000) });
      }
      return repair(params);
    };
    const { findings } = await findingsOf(monque, true);
    const found = findings.find(({ jobId }) => first?._id.equals(jobId));
    expect(found).toMatchObject({ name: first?.name, isRepaired: false });
    expect(await monque.getJob(String(first?._id))).not.toHaveProperty('finishedAt');
  });

  test.each([
    { set: { status: 'completed' } },
    { set: { _id: 7 } },
    { clear: ['fence'] },
    { set: { 'data.part': 1 } },
    { set: { $data: 1 } },
    { clear: 'data' },
    { set: null },
    null,
  ])('leaves a job alone where a rule would repair it by %o', async (repair) => {
    const { monque, ledger } = makeOpen();
    const check = ({ verb }: LedgerWrite) =>
      verb === 'audit' ? { message: 'wrong', repair: repair as never } : undefined;
    ledger.useInvariants({ rules: [{ name: 'own', check }] });
    const job = await monque.enqueue('work', 'data');
    const { repaired, findings } = await monque.audit({ repair: true });
    expect(repaired).toBe(0);
    expect(findings).toMatchObject([
      { rule: 'own', message: expect.stringContaining('Expected `check().repair` to be changes') },
    ]);
    expect(await monque.getJob(job._id)).toEqual(job);
  });

  test('repairs what a rule of a user’s says', async () => {
    const { monque, ledger } = makeOpen();
    const check = ({ verb, job }: LedgerWrite) =>
      verb === 'audit' && job.data === 'old'
        ? { message: 'it is new', repair: { set: { data: 'new' }, clear: ['priority' as const] } }
        : undefined;
    ledger.useInvariants({ rules: [{ name: 'own', check }] });
    const { _id } = await monque.enqueue('work', 'old');
    expect(await monque.audit({ repair: true })).toMatchObject({ repaired: 1 });
    expect(await monque.getJob(_id)).toMatchObject({ data: 'new', status: 'pending' });
    expect((await monque.audit()).findings).toEqual([]);
  });

  test('sees and repairs what a codec made of the values, and stores none as it was given', async () => {
    const codec = {
      encode: (value: unknown) => Buffer.from(JSON.stringify(value)).toString('hex'),
      decode: (stored: unknown) => JSON.parse(Buffer.from(String(stored), 'hex').toString()),
    };
    const { monque, ledger } = makeOpen({ codec });
    const seen: unknown[] = [];
    const check = ({ job }: LedgerWrite) => void seen.push(job.data);
    ledger.useInvariants({ rules: [{ name: 'own', check }] });
    const { _id: jobId } = await monque.enqueue('work', 'secret');
    const stored = await ledger.getJob({ jobId });
    const record = { name: 'a', at: new Date(0), result: stored?.data };
    const twice = makeJob({ name: 'twice', stages: [record, { ...record, result: 'other' }] });
    await ledger.put(twice);
    expect(await monque.audit({ repair: true })).toMatchObject({ audited: 2, repaired: 1 });
    expect(seen.slice(0, 2)).toEqual([stored?.data, stored?.data]);
    expect((await ledger.getJob({ jobId: twice._id }))?.stages).toEqual([record]);
    expect((await monque.getJob(twice._id))?.stages).toMatchObject([{ result: 'secret' }]);
  });

  test('goes on where the ledger refuses to repair one job, and reports it', async () => {
    const { monque, ledger } = makeOpen();
    const [first] = await putBroken((job) => ledger.put(job));
    const refusal = new MonqueError('LEDGER_REFUSED', 'no');
    const reported: Error[] = [];
    monque.on('job:error', ({ error }) => reported.push(error));
    const repair = ledger.repair.bind(ledger);
    ledger.repair = async (params) => {
      if (first?._id.equals(params.jobId)) throw refusal;
      return repair(params);
    };
    const { repaired, isComplete } = await findingsOf(monque, true);
    const repairable = BROKEN.filter((broken) => broken.repaired);
    expect({ repaired, isComplete }).toEqual({ repaired: repairable.length - 1, isComplete: true });
    expect(reported).toEqual([refusal]);
  });

  test('ends with what else goes wrong while it repairs', async () => {
    const { monque, ledger } = makeOpen();
    await putBroken((job) => ledger.put(job));
    ledger.repair = () => Promise.reject(new Error('gone'));
    await expect(findingsOf(monque, true)).rejects.toThrow('gone');
  });

  test('ends with what its progress is told to throw, now or later', async () => {
    const { monque } = makeOpen();
    const now = () => {
      throw new Error('enough');
    };
    await expect(monque.audit({ onProgress: now })).rejects.toThrow('enough');
    await expect(monque.audit({ onProgress: async () => now() })).rejects.toThrow('enough');
  });

  test('tells its progress, and ends after a batch when it is told to', async () => {
    const { monque, ledger } = makeOpen();
    await putBroken((job) => ledger.put(job));
    const ends = new AbortController();
    const seen: AuditReport[] = [];
    const onProgress = (report: AuditReport): void => {
      seen.push(report);
      if (seen.length === 2) ends.abort();
    };
    const report = await monque.audit({ batchSize: 4, onProgress, signal: ends.signal });
    expect(seen.map(({ audited }) => audited)).toEqual([4, 8]);
    expect(report).toMatchObject({ audited: 8, isComplete: false });
  });

  test('keeps the first thousand findings and counts the others', async () => {
    const { monque, ledger } = makeOpen();
    ledger.useInvariants({
      rules: [{ name: 'none', check: ({ verb }) => (verb === 'audit' ? 'wrong' : undefined) }],
    });
    await monque.enqueueMany(Array.from({ length: 1_001 }, () => ({ name: 'work' })));
    const report = await monque.audit();
    expect(report.findings).toHaveLength(1_000);
    expect(report.violations).toEqual({ none: 1_001 });
    expect(report.findings[0]).toMatchObject({ message: 'wrong', values: {} });
    ledger.useInvariants({
      rules: [{ name: 'none', check: () => 'wrong' }],
      modes: { none: 'off' },
    });
    expect((await monque.audit()).violations).toEqual({});
  });

  test.each([
    [{ batchSize: 0 }, 'options.batchSize'],
    [{ repair: 1 }, 'options.repair'],
    [{ onProgress: 1 }, 'options.onProgress'],
    [{ signal: 5 }, 'options.signal'],
    [{ repairs: true }, 'options'],
  ])('refuses %o', async (options, field) => {
    const { monque } = makeOpen();
    const audit = monque.audit(options as never);
    await expect(audit).rejects.toThrow(InvalidArgumentError);
    await expect(audit).rejects.toMatchObject({ field });
  });
});
