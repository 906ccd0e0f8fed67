/**
 * How quick the library is on a server: jobs stored, jobs run, and how long a job waits for its handler.
 *
 * What always holds: it works in collections of its own, which are dropped at the end, however it ends.
 *
 * @module
 */
import { EventEmitter } from 'node:events';
import { performance } from 'node:perf_hooks';
import { Monque } from '@monque/core';
import type { Session } from '../context/context.ts';
import { ExitCode } from '../context/exit-codes.ts';

/** Options of `bench`. */
export interface BenchOptions {
  readonly jobs: number;
  readonly concurrency: number;
  readonly samples: number;
}

/** One line of the result. */
interface Measure {
  readonly measure: string;
  readonly value: number;
  readonly unit: string;
}

const BATCH = 500;
const NAME = 'bench';

/** `monque bench` */
export async function bench(session: Session, options: BenchOptions): Promise<ExitCode> {
  const { output } = session;
  const { db } = await session.open();
  const collectionName = `monque_bench_${session.io.now().getTime().toString(36)}`;
  const signal = session.watchInterrupt();
  const monque = new Monque(db, {
    collectionName,
    defaultConcurrency: options.concurrency,
    logger: false,
  });
  try {
    const measures = await new Bench(monque, session, signal).run(options);
    await output.table(measures, [
      { title: 'MEASURE', text: ({ measure }) => measure },
      { title: 'VALUE', text: ({ value }) => value.toFixed(1), isRight: true },
      { title: 'UNIT', text: ({ unit }) => unit },
    ]);
  } finally {
    await monque.stop();
    const made = await db.listCollections({ name: { $regex: `^${collectionName}` } }).toArray();
    for (const { name } of made) await db.collection(name).drop();
    output.note(`The collections ${collectionName}* were dropped.`);
  }
  return signal.aborted ? ExitCode.INTERRUPTED : ExitCode.DONE;
}

class Bench {
  readonly #monque: Monque;
  readonly #session: Session;
  readonly #signal: AbortSignal;
  readonly #aborted: Promise<void>;
  /** Reports each job that begins. */
  readonly #runs = new EventEmitter();

  constructor(monque: Monque, session: Session, signal: AbortSignal) {
    this.#monque = monque;
    this.#session = session;
    this.#signal = signal;
    this.#aborted = new Promise((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  async run({ jobs, samples }: BenchOptions): Promise<Measure[]> {
    await this.#monque.initialize();
    const enqueueMs = await this.#enqueue(jobs);
    this.#monque.worker(NAME, () => void this.#runs.emit('run'));
    const drainMs = await this.#drain(jobs);
    const waits = (await this.#latency(samples)).sort((a, b) => a - b);
    const at = (share: number): number => Number(waits[Math.floor((waits.length - 1) * share)]);
    const rate = (ms: number): number => (jobs / ms) * 1_000;
    if (this.#signal.aborted) return [];
    return [
      { measure: `enqueue, ${BATCH} a call`, value: rate(enqueueMs), unit: 'jobs/s' },
      { measure: 'run', value: rate(drainMs), unit: 'jobs/s' },
      { measure: 'from enqueue to handler, median', value: at(0.5), unit: 'ms' },
      { measure: 'from enqueue to handler, 95 %', value: at(0.95), unit: 'ms' },
      { measure: 'from enqueue to handler, longest', value: at(1), unit: 'ms' },
    ];
  }

  async #enqueue(jobs: number): Promise<number> {
    const progress = this.#session.output.progress('Enqueued', jobs);
    const start = performance.now();
    for (let done = 0; done < jobs && !this.#signal.aborted; done += BATCH) {
      const length = Math.min(BATCH, jobs - done);
      await this.#monque.enqueueMany(Array.from({ length }, () => ({ name: NAME })));
      progress.update(done + length);
    }
    progress.end();
    return performance.now() - start;
  }

  async #drain(jobs: number): Promise<number> {
    const progress = this.#session.output.progress('Ran', jobs);
    const start = performance.now();
    await this.#untilRun(jobs, async () => this.#monque.start(), progress.update.bind(progress));
    progress.end();
    return performance.now() - start;
  }

  async #latency(samples: number): Promise<number[]> {
    const waits: number[] = [];
    for (let sample = 0; sample < samples && !this.#signal.aborted; sample += 1) {
      const start = performance.now();
      await this.#untilRun(1, () => this.#monque.enqueue(NAME));
      waits.push(performance.now() - start);
    }
    return waits;
  }

  /** Begins something, and waits until so many handlers began, or Ctrl-C. */
  async #untilRun(
    count: number,
    begin: () => Promise<unknown>,
    onRun: (ran: number) => void = () => undefined,
  ): Promise<void> {
    if (this.#signal.aborted) return;
    let ran = 0;
    const all = new Promise<void>((resolve) => {
      this.#runs.on('run', () => {
        ran += 1;
        onRun(ran);
        if (ran === count) resolve();
      });
    });
    await begin();
    await Promise.race([all, this.#aborted]);
    this.#runs.removeAllListeners();
  }
}
