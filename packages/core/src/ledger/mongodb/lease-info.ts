/**
 * What an instance said of itself, as it was read. It was perhaps written by another version, or manually: what does
 * not have the form that this version knows counts as nothing said.
 *
 * @module
 */
import type { Informed } from '../ledger-repository.ts';

type Kind = (value: unknown) => boolean;

const isText: Kind = (value) => typeof value === 'string';
const isNumber: Kind = (value) => typeof value === 'number';
const isDate: Kind = (value) => value instanceof Date;
const isYesOrNo: Kind = (value) => typeof value === 'boolean';
const isTextOrAbsent: Kind = (value) => value === undefined || isText(value);
const isNumberOrAbsent: Kind = (value) => value === undefined || isNumber(value);

const isTexts: Kind = (value) => Array.isArray(value) && value.every(isText);

const WORKER: Readonly<Record<string, Kind>> = {
  name: isText,
  concurrency: isNumber,
  running: isNumber,
  groups: (value) => value === undefined || value === true,
  deadLetter: isTextOrAbsent,
  limits: (value) => value === undefined || isTexts(value),
};

const VITALS: Readonly<Record<string, Kind>> = {
  winRate: isNumber,
  loopDelayMs: isNumber,
  clockErrorMs: isNumber,
  queueLagMs: isNumber,
  alerts: isTexts,
  violations: isNumber,
};

const INFO: Readonly<Record<string, Kind>> = {
  host: isText,
  pid: isNumber,
  version: isText,
  startedAt: isDate,
  reportedAt: isDate,
  workers: (value) => Array.isArray(value) && value.every((worker) => fits(worker, WORKER)),
  unnamedWorkers: isNumber,
  runningJobs: isNumber,
  bufferedJobs: isNumber,
  instanceConcurrency: isNumberOrAbsent,
  recoverStaleJobs: isYesOrNo,
  vitals: (value) => value === undefined || fits(value, VITALS),
};

/** The info of a lease, if it is one. */
export function readInfo(info: unknown): Informed {
  return fits(info, INFO) ? ({ info } as Informed) : {};
}

function fits(value: unknown, kinds: Readonly<Record<string, Kind>>): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const fields = value as Readonly<Record<string, unknown>>;
  return Object.entries(kinds).every(([field, isKind]) => isKind(fields[field]));
}
