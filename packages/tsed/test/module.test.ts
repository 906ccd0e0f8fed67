import { InMemoryLedgerRepository, Monque } from '@monque/core';
import { DITest, Inject, Injectable, injector, Module, OverrideProvider } from '@tsed/di';
import { describe, expect, test } from 'vitest';
import { InjectMonque, Job, JobController, MonqueModule, MonqueService } from '../src/index.ts';
import { boot, endApplications } from './boot.ts';

endApplications();

test('a decorated class runs its job, with its dependencies', async () => {
  @Injectable()
  class Mailer {
    readonly sent: string[] = [];
  }
  @Job({ name: 'send-email', concurrency: 2 })
  class SendEmail {
    @Inject()
    readonly second!: Mailer;

    constructor(readonly mailer: Mailer) {}

    handle(job: Job<{ to: string }>): string {
      this.mailer.sent.push(job.data.to);
      return `${this.second === this.mailer}`;
    }
  }
  const monque = await boot();
  const job = await injector().get<MonqueService>(MonqueService).enqueue(SendEmail, { to: 'a@b.c' });
  expect(await monque.waitFor(job)).toBe('true');
  expect(injector().get<Mailer>(Mailer).sent).toEqual(['a@b.c']);
});
