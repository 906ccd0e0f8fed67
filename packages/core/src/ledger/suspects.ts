/**
 * Jobs whose instances died again and again while they had them.
 *
 * @module
 */

/** From this many rescues on a job is a suspect: it is claimed alone. */
export const SUSPECT_RESCUE_COUNT = 2;
