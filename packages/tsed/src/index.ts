/**
 * Monque in a Ts.ED application: jobs as decorated classes, in the MongoDB that the application has.
 *
 * Everything of `@monque/core` is exported from here as well. An application that loads packages with `require` takes
 * it from here alone: the class `Monque`, by which the scheduler is injected, is then surely the same one.
 *
 * @module
 */
export * from '@monque/core';
export type { ConnectionOption, ConnectionSource, MongooseConnection } from './connection.ts';
export { JOB_METADATA_KEY, JOB_PROVIDER_TYPE, MONQUE_MODULE_OPTIONS } from './constants.ts';
export { currentJob, currentJobContext } from './current-job.ts';
export { Cron } from './decorators/cron.ts';
export type { JobClass, JobDecorator } from './decorators/decorated.ts';
export { Every } from './decorators/every.ts';
export { InjectJob, InjectMonque } from './decorators/inject.ts';
export { Job } from './decorators/job.ts';
export { JobController } from './decorators/job-controller.ts';
export type {
  CronMetadata,
  CronOptions,
  HandlerMetadata,
  JobMetadata,
  JobOptions,
} from './job-metadata.ts';
export type { MonqueModuleOptions, StartHook } from './module-options.ts';
export { MonqueModule } from './monque-module.ts';
export { type DataOfJob, MonqueService } from './monque-service.ts';
