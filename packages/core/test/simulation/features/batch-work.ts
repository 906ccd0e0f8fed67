/** What is known of simulated batches. */

/** The name of the jobs that are only run together. */
export const BATCHED_NAME = 'index';

/** The most jobs of a batch. */
export const BATCH_SIZE = 4;

/** How long the first of a batch waits for others. */
export const BATCH_WAIT_MS = 30;
