import { expect, test } from 'vitest';
import { ConnectionError, MonqueError, UnknownOutcomeError } from '../../../foundation/errors.ts';
import { isTimeUp, isTooLarge, isTransient, readError, writeError } from './driver-errors.ts';

interface Fields {
  readonly name?: string;
  readonly code?: number | string;
}

function errorWith({ name, code }: Fields): Error {
  const error = new Error('Something happened');
  if (name !== undefined) error.name = name;
  return code === undefined ? error : Object.assign(error, { code });
}

const UNANSWERED: readonly Fields[] = [
  ...[6, 7, 43, 50, 64, 89, 91, 112, 133, 134, 175, 189, 202, 234, 237, 262, 290, 9001].map(
    (code) => ({ name: 'MongoServerError', code }),
  ),
  ...[10107, 11600, 11601, 11602, 13388, 13435, 13436].map((code) => ({
    name: 'MongoServerError',
    code,
  })),
  ...['ECONNRESET', 'ECONNREFUSED', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND'].map(
    (code) => ({ code }),
  ),
  ...['EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN'].map((code) => ({ code })),
  ...['MongoNetworkError', 'MongoNetworkTimeoutError', 'MongoServerSelectionError'].map((name) => ({
    name,
  })),
  ...['MongoPoolClosedError', 'MongoPoolClearedError', 'PoolClearedOnNetworkError'].map((name) => ({
    name,
  })),
  ...['MongoServerClosedError', 'MongoStalePrimaryError', 'MongoWaitQueueTimeoutError'].map(
    (name) => ({ name }),
  ),
  ...['MongoOperationTimeoutError', 'MongoExpiredSessionError', 'MongoClientClosedError'].map(
    (name) => ({ name }),
  ),
  { name: 'MongoWriteConcernError', code: 100 },
];

const NOT_SENT: readonly Fields[] = [
  { name: 'MongoNotConnectedError' },
  { name: 'MongoTopologyClosedError' },
];

const REFUSED: readonly Fields[] = [
  ...[2, 13, 18, 26, 121, 8000, 11000].map((code) => ({ name: 'MongoServerError', code })),
  { name: 'TypeError' },
  { name: 'MongoParseError', code: 'ERR_INVALID_ARG_TYPE' },
];

test.each(UNANSWERED)(
  'after %o a write may have happened, and a read was not answered',
  (fields) => {
    const error = errorWith(fields);
    expect(isTransient(error)).toBe(true);
    const write = writeError('settle', error);
    expect(write).toBeInstanceOf(UnknownOutcomeError);
    expect(write).toMatchObject({
      message: 'MongoDB did not confirm settle: Something happened',
      cause: error,
    });
    const read = readError('getJob', error);
    expect(read).toBeInstanceOf(ConnectionError);
    expect(read).toMatchObject({
      message: 'MongoDB did not answer getJob: Something happened',
      cause: error,
    });
  },
);

test.each(NOT_SENT)('after %o nothing was sent', (fields) => {
  const error = errorWith(fields);
  expect(isTransient(error)).toBe(false);
  for (const translated of [readError('claim', error), writeError('claim', error)]) {
    expect(translated).toBeInstanceOf(ConnectionError);
    expect(translated).toMatchObject({
      message:
        'The MongoDB client is closed, so it cannot claim; close it after `stop()`, or open it again with `connect()`',
      cause: error,
    });
  }
});

test.each(REFUSED)('after %o the server has refused', (fields) => {
  const error = errorWith(fields);
  expect(isTransient(error)).toBe(false);
  for (const translated of [readError('open', error), writeError('open', error)]) {
    expect(translated).toBeInstanceOf(MonqueError);
    expect(translated).toMatchObject({
      code: 'LEDGER_REFUSED',
      message: 'MongoDB refused open: Something happened',
      cause: error,
    });
  }
});

test('the label RetryableWriteError decides nothing', () => {
  const error = Object.assign(errorWith({ code: 8000 }), {
    errorLabels: new Set(['RetryableWriteError']),
  });
  expect(isTransient(error)).toBe(false);
});

test('an error of our own stays what it is', () => {
  const own = new MonqueError('UNSUPPORTED', 'No');
  expect(readError('open', own)).toBe(own);
  expect(writeError('open', own)).toBe(own);
});

test('what is no error becomes one', () => {
  expect(isTransient('ECONNRESET')).toBe(false);
  expect(isTooLarge('too large')).toBe(false);
  expect(writeError('enqueue', 'boom')).toMatchObject({
    message: 'MongoDB refused enqueue: boom',
  });
});

test('a command is too large when it overflows the driver or the server says so', () => {
  expect(isTooLarge(new RangeError('offset is out of bounds'))).toBe(true);
  expect(isTooLarge(errorWith({ code: 10334 }))).toBe(true);
  expect(isTooLarge(errorWith({ code: 11000 }))).toBe(false);
});

test('a request took too long when the server or the driver gave it up for that', () => {
  for (const code of [50, 262]) expect(isTimeUp(errorWith({ code }))).toBe(true);
  for (const name of ['MongoNetworkTimeoutError', 'MongoOperationTimeoutError']) {
    expect(isTimeUp(errorWith({ name }))).toBe(true);
  }
  for (const fields of [{ code: 11600 }, { name: 'MongoNetworkError' }]) {
    expect(isTimeUp(errorWith(fields))).toBe(false);
  }
  expect(isTimeUp('time is up')).toBe(false);
});
