import { FEATURE_GUARDS } from '../feature-guards.ts';
import { describeGuards } from './describe-guards.ts';

describeGuards(FEATURE_GUARDS);
