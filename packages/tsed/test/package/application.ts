/**
 * The program of an application that installs the package, for tests that build it in a folder of its own, as an ES
 * module and as CommonJS. It prints one line when all went well.
 */
export const APPLICATION = `
import '@tsed/ajv';
import {
  Cron, currentJob, InMemoryLedgerRepository, Job, JobController, Monque, MonqueModule, MonqueService,
} from '@monque/tsed';
import { context, DIContext, Injectable, injector, ProviderScope, runInContext, Scope } from '@tsed/di';
import { Property, Required } from '@tsed/schema';

class Email {
  @Required()
  to!: string;

  @Property()
  at?: Date;
}

@Injectable()
class Mailer {
  send(to: string): string {
    return 'sent to ' + to + ' by ' + currentJob()?.name;
  }
}

let units = 0;
let endedUnits = 0;

@Injectable()
@Scope(ProviderScope.REQUEST)
class Unit {
  readonly serial = ++units;

  $onDestroy(): void {
    endedUnits += 1;
  }
}

@Job({ name: 'send-email', model: Email, concurrency: 2 })
class SendEmail {
  constructor(private readonly mailer: Mailer) {}

  handle(job: Job<Email>): string {
    if (!(job.data instanceof Email) || !(job.data.at instanceof Date)) throw new Error('no model');
    if (context().id !== job._id.toHexString()) throw new Error('the context of another');
    return this.mailer.send(job.data.to);
  }
}

@JobController('night')
@Scope(ProviderScope.REQUEST)
class NightJobs {
  constructor(private readonly unit: Unit) {}

  @Job('sweep')
  @Cron('0 3 * * *')
  sweep(_job: Job): number {
    return this.unit.serial;
  }
}

async function main(): Promise<void> {
  const connection = new InMemoryLedgerRepository();
  injector().settings.set({ imports: [MonqueModule.forRoot({ connection })] });
  await injector().load();
  const service = injector().get<MonqueService>(MonqueService)!;
  const monque = injector().get<Monque>(Monque)!;
  const $ctx = new DIContext({ id: 'request', logger: injector().logger });
  const job = await runInContext($ctx, () => service.enqueue(SendEmail, { to: 'a@b.test', at: new Date() }));
  const sent = await monque.waitFor((await job)._id);
  const refused = await service.enqueue(SendEmail, {} as Email).catch((error: Error) => error.name);
  const sweeps = [];
  for (let runs = 0; runs < 2; runs += 1) {
    sweeps.push(await monque.waitFor((await monque.enqueue('night.sweep'))._id));
  }
  const series = (await monque.getSchedules()).map(({ cron, uniqueKey }) => cron + ' ' + uniqueKey);
  await injector().destroy();
  const ended = endedUnits + ' units ended';
  const state = monque.health().running ? 'runs on' : 'stopped';
  console.log([sent, refused, sweeps.join(' '), ended, series, NightJobs.name, state].join(', '));
}

void main();
`;

/** What the program prints. */
export const PRINTED =
  'sent to a@b.test by send-email, InvalidArgumentError, 1 2, 2 units ended, 0 3 * * * cron, NightJobs, stopped\n';
