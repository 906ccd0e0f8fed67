/**
 * Where things are below the place where the dashboard is mounted. A page, the API and the assets are each behind a
 * segment of their own, so the handler finds where it is mounted in the path alone, whether a proxy or a framework
 * strips the prefix or keeps it.
 *
 * @module
 */

/** Before every path of the API: `<mount>/api/v1/jobs`. */
export const API_PREFIX = 'api/v1/';

/** Before every page but the first: `<mount>/-/jobs/64b0…`. The first page is `<mount>/` itself. */
export const PAGE_PREFIX = '-/';

/** Before every asset: `<mount>/assets/index-3f2a.js`. */
export const ASSET_PREFIX = 'assets/';

/** The header of a 304 that holds the time it was given at, as `at` does in an answer. */
export const TIME_HEADER = 'x-monque-at';
