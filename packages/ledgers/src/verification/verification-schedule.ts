/**
 * Verification on time: a series of the scheduler runs it, and a job reports to another system what was found.
 *
 * @module
 */
import {
  type Clock,
  InvalidArgumentError,
  type Monque,
  MonqueError,
  systemClock,
} from '@monque/core';
import type { VerificationLedger, VerificationReport } from './verification-ledger.ts';

/** Where a report is sent to. */
export interface Webhook {
  /** Gets a POST with a JSON body. Kept in this process: it stands in no job. */
  readonly url: string;
  /** @default none */
  readonly headers?: Readonly<Record<string, string>>;
  /** When it is sent. @default 'drift' */
  readonly when?: 'drift' | 'always';
}

/** What {@link scheduleVerification} is given. */
export interface VerificationScheduleOptions {
  readonly scheduler: Monque;
  /** When, such as `0 6 * * *`. */
  readonly cron: string;
  /** @default 'UTC' */
  readonly timezone?: string;
  /** Who is named in the history. @default 'scheduler' */
  readonly actor?: string;
  /** Gives each run its id. @default `run-` and the time */
  readonly runId?: () => string;
  readonly webhook?: Webhook;
  /** The job name. @default 'ledger-verify' */
  readonly jobName?: string;
  readonly clock?: Clock;
}

/** The name of the jobs that verify a ledger. */
export const VERIFY_JOB = 'ledger-verify';
/** How long a receiver may take to answer, in milliseconds. */
const ANSWER_MS = 30_000;

/** What a receiver is sent. */
interface Message {
  readonly run: string;
  readonly ok: boolean;
  readonly steps: readonly {
    readonly id: string;
    readonly outcome: string;
    readonly failed: readonly string[];
  }[];
}

/**
 * Verifies a ledger again on a cron, in the processes that have started the scheduler.
 *
 * @throws InvalidCronError when the expression cannot be read
 */
export async function scheduleVerification(
  ledger: VerificationLedger,
  options: VerificationScheduleOptions,
): Promise<void> {
  const { scheduler, cron, timezone, actor = 'scheduler', webhook, clock = systemClock } = options;
  const { jobName = VERIFY_JOB, runId = () => runIdAt(clock.now()) } = options;
  const webhookName = `${jobName}-webhook`;
  if (webhook !== undefined) {
    checkUrl(webhook.url);
    scheduler.worker(webhookName, (job, { signal }) => send(webhook, job.data as Message, signal), {
      maxRetries: 5,
      timeout: ANSWER_MS,
    });
  }
  scheduler.worker(
    jobName,
    async () => {
      const report = await ledger.reverify({ actor, run: runId() });
      const message = messageOf(report);
      const isWanted = !report.ok || webhook?.when === 'always';
      if (webhook !== undefined && isWanted) await scheduler.enqueue(webhookName, message);
      return message;
    },
    { concurrency: 1, maxRetries: 3 },
  );
  await scheduler.schedule(
    cron,
    jobName,
    {},
    {
      uniqueKey: jobName,
      ...(timezone !== undefined && { timezone }),
    },
  );
}

/** The id of a run that begins at a time, such as `run-20260301T093000Z`. */
export function runIdAt(ms: number): string {
  return `run-${new Date(ms).toISOString().replaceAll(/[-:]|\.\d+/g, '')}`;
}

function messageOf({ run, ok, steps }: VerificationReport): Message {
  const found = steps.map(({ id, outcome, results }) => ({
    id,
    outcome,
    failed: results.filter(({ passed }) => !passed).map(({ check }) => check),
  }));
  return { run, ok, steps: found };
}

function checkUrl(url: string): void {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new InvalidArgumentError(
      'options.webhook.url',
      'an address that begins with http:// or https://',
      typeof url,
    );
  }
}

async function send(
  { url, headers = {} }: Webhook,
  message: Message,
  signal: AbortSignal,
): Promise<number> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(message),
    signal,
  }).catch((error: unknown) => {
    // The message of the cause may name the address.
    throw new MonqueError(
      'WEBHOOK',
      `The receiver of the report cannot be reached (${(error as Error).name})`,
    );
  });
  await response.body?.cancel();
  if (!response.ok)
    throw new MonqueError('WEBHOOK', `The receiver of the report answered ${response.status}`);
  return response.status;
}
