/** Jobs that leave by their age; every instance sees to that by itself. */
import { pruneRule } from '../rules/retention-rules.ts';
import type { Feature } from './users.ts';

/** Retention. */
export const retention: Feature = { rules: [pruneRule] };
