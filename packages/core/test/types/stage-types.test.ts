/**
 * What the compiler accepts and refuses of stages and gates. `tsc` checks this file; the tests run it as well.
 */
import { describe, expect, expectTypeOf, test } from 'vitest';
import {
  gate,
  type Job,
  Monque,
  type MonqueManagement,
  type Stage,
  type StageContext,
  type StageHandler,
  stage,
} from '../../src/index.ts';

interface Invoice {
  readonly url: string;
}

interface Jobs {
  import: Invoice;
  cleanup: undefined;
}

type AfterDownload = StageContext<{ download: { readonly bytes: number } }>;

describe('a stage', () => {
  test('without types is given results of unknown types by their names', () => {
    const plain = stage('download', (job, context) => {
      expectTypeOf(job).toEqualTypeOf<Job<unknown>>();
      expectTypeOf(context).toEqualTypeOf<StageContext>();
      expectTypeOf(context.results.anything).toEqualTypeOf<unknown>();
      expectTypeOf(context.stage).toEqualTypeOf<string>();
      expectTypeOf(context.signal).toEqualTypeOf<AbortSignal>();
      // @ts-expect-error The type of a result is not known.
      return () => context.results.download.bytes;
    });
    expectTypeOf(plain).toEqualTypeOf<Stage<unknown>>();
    expect(plain.name).toBe('download');
  });

  test('states what it works on', () => {
    const parse = stage('parse', (job: Job<Invoice>, { results }: AfterDownload) => {
      expectTypeOf(job.data.url).toEqualTypeOf<string>();
      expectTypeOf(results.download.bytes).toEqualTypeOf<number>();
      // @ts-expect-error No stage of this name was stated.
      return () => results.upload;
    });
    expectTypeOf(parse).toEqualTypeOf<Stage<Invoice>>();
    const stated = stage<Invoice, { download: string }>('parse', (job, { results }) => {
      expectTypeOf(results.download).toEqualTypeOf<string>();
      return job.data.url;
    });
    expectTypeOf(stated).toEqualTypeOf<Stage<Invoice>>();
    const handler: StageHandler<Invoice> = (job) => job.data.url;
    expect([parse, stated, stage('store', handler)].map(({ kind }) => kind)).toEqual([
      'stage',
      'stage',
      'stage',
    ]);
  });

  test('has a name and a handler, and results that nobody writes', () => {
    // @ts-expect-error The handler is missing.
    expect(() => stage('download')).toThrow();
    // @ts-expect-error A name is a string.
    expect(() => stage(7, () => undefined)).toThrow();
    const written = stage('download', (_job, { results }) => {
      // @ts-expect-error Results are read only.
      results.download = 1;
    });
    expect(written.kind).toBe('stage');
  });
});

describe('a gate', () => {
  test('takes a schema and a timeout, and has no handler', () => {
    expect(gate('pdf-ready', { timeout: 1_000 }).timeoutMs).toBe(1_000);
    // @ts-expect-error A timeout is a number of milliseconds.
    expect(() => gate('pdf-ready', { timeout: '1 s' })).toThrow();
    // @ts-expect-error No such option.
    expect(() => gate('pdf-ready', { after: 1_000 })).toThrow();
    // @ts-expect-error A gate runs nothing.
    expect(() => gate('pdf-ready', () => undefined)).toThrow();
  });
});

describe('a worker with stages', () => {
  test('takes stages of the data of its name, and gates', () => {
    const monque = Monque.inMemory<Jobs>();
    const download = stage('download', (job: Job<Invoice>) => ({ bytes: job.data.url.length }));
    const number = stage('count', (job: Job<number>) => job.data + 1);
    monque.worker('import', { stages: [download, gate('pdf-ready')] });
    const other = Monque.inMemory<Jobs>();
    // @ts-expect-error The data is that of another job.
    other.worker('import', { stages: [number] });
    // @ts-expect-error No such name.
    other.worker('imports', { stages: [download] });
    // @ts-expect-error A handler is no stage.
    expect(() => other.worker('cleanup', { stages: [() => undefined] })).toThrow();
    // @ts-expect-error A list of stages is given under `stages`.
    expect(() => other.worker('cleanup', [download])).toThrow();
    expect(() => monque.worker('import', { stages: [download] })).toThrow();
  });

  test('without types takes stages of any data', () => {
    const monque = Monque.inMemory();
    monque.worker<Invoice>('import', {
      stages: [
        stage('download', (job: Job<Invoice>) => ({ bytes: job.data.url.length })),
        gate('pdf-ready'),
        stage('parse', (_job: Job<Invoice>, { results }: AfterDownload) => results.download.bytes),
      ],
    });
    expect(() => monque.worker('import', () => undefined)).toThrow();
  });
});

describe('opening a gate', () => {
  test('takes evidence of any type, and gives the job or null', async () => {
    const monque = Monque.inMemory<Jobs>();
    const open = () => monque.openGate('0'.repeat(24), 'pdf-ready', { evidence: { pages: 3 } });
    expectTypeOf(open).returns.resolves.toEqualTypeOf<Job | null>();
    expectTypeOf<MonqueManagement<Jobs>['openGate']>().toEqualTypeOf<typeof monque.openGate>();
    expect(await open()).toBeNull();
    // @ts-expect-error The evidence is missing.
    await expect(monque.openGate('0'.repeat(24), 'pdf-ready', { by: 'scanner' })).rejects.toThrow();
    // @ts-expect-error So are all options.
    await expect(monque.openGate('0'.repeat(24), 'pdf-ready')).rejects.toThrow();
  });
});
