/**
 * How much a test does whose searches or counts have no natural end: all of it in `npm run test:all` and where its project is
 * run, less in `npm test`. What it shows is the same.
 */
export function volume<T>(all: T, less: T): T {
  return process.env.MONQUE_TEST_VOLUME === 'less' ? less : all;
}
