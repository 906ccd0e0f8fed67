/**
 * A Ts.ED model as the schema of a job's data.
 *
 * What is stored of such a job is the JSON form of the model, as a request would carry it. What always holds: a
 * handler gets an instance of its model that the application's validator has let pass.
 *
 * @module
 */
import { InvalidArgumentError, MonqueError } from '@monque/core';
import type { SchemaIssue, SchemaResult, StandardSchema } from '@monque/core/types';
import type { Type } from '@tsed/core';
import { injector } from '@tsed/di';
import { errorOf } from './thrown.ts';

/** What Ts.ED asks of a validator; `@tsed/ajv` brings the usual one. */
interface Validator {
  readonly name?: string;
  validate(value: unknown, options: { readonly type: Type<object> }): unknown;
}

interface AjvError {
  readonly instancePath?: string;
  readonly message?: string;
}

type JsonMapper = typeof import('@tsed/json-mapper');

const VALIDATOR_TYPE = 'validator:service';

/**
 * Makes the schema of a model.
 *
 * @param jobName - for errors
 * @throws MonqueError with code `MISSING_PACKAGE` when the application has no validator, or no `@tsed/json-mapper`
 */
export async function makeModelSchema(
  model: Type<object>,
  jobName: string,
): Promise<StandardSchema> {
  const validator = findValidator(model, jobName);
  const { deserialize } = await loadJsonMapper(model, jobName);
  const validate = async (value: unknown): Promise<SchemaResult> => {
    try {
      const json = toJson(value);
      const valid = await validator.validate(json, { type: model });
      return { value: deserialize(valid, { type: model }) };
    } catch (error) {
      return { issues: issuesOf(error) };
    }
  };
  return { '~standard': { version: 1, vendor: 'tsed', validate } };
}

/**
 * What is stored of an instance of a model, or of a plain object with its properties.
 *
 * @throws InvalidArgumentError when the mapper cannot make JSON of it, such as of a date that is none
 */
export async function toStoredData(
  model: Type<object>,
  jobName: string,
  data: unknown,
): Promise<unknown> {
  const { serialize } = await loadJsonMapper(model, jobName);
  try {
    return serialize(data, { type: model });
  } catch (error) {
    const { message } = errorOf(error);
    throw new InvalidArgumentError('data', `what the model ${model.name} describes`, data, message);
  }
}

/** The one that Ts.ED itself would take for a request. */
function findValidator(model: Type<object>, jobName: string): Validator {
  const providers = injector().getProviders(VALIDATOR_TYPE);
  const validators = providers.map(({ token }) => injector().get<Validator>(token));
  const preferred: unknown = injector().settings.get('validators')?.default;
  const found = validators.find(({ name }) => name === preferred) ?? validators[0];
  if (found !== undefined) return found;
  throw missingPackage(model, jobName, "npm install @tsed/ajv ajv, and import '@tsed/ajv'");
}

/** Loaded only when a job has a model, since an application may do without. */
async function loadJsonMapper(model: Type<object>, jobName: string): Promise<JsonMapper> {
  try {
    return await import('@tsed/json-mapper');
  } catch (error) {
    throw missingPackage(model, jobName, 'npm install @tsed/json-mapper @tsed/schema', error);
  }
}

function missingPackage(
  { name }: Type<object>,
  jobName: string,
  advice: string,
  cause?: unknown,
): MonqueError {
  const message = `The job ${jobName} has the model ${name}, for which a package is missing: ${advice} in the server`;
  return new MonqueError('MISSING_PACKAGE', message, cause === undefined ? {} : { cause });
}

/** Jobs that were enqueued by name may hold dates and ids, which have another form in JSON. */
function toJson(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

/** What does not say what is wrong with the data is no verdict on it, and is passed on. */
function issuesOf(error: unknown): SchemaIssue[] {
  const { errors } = error as { readonly errors?: unknown };
  if (!Array.isArray(errors)) throw error;
  return errors.map(({ instancePath = '', message = 'is not valid' }: AjvError) => ({
    message,
    path: instancePath.split('/').slice(1),
  }));
}
