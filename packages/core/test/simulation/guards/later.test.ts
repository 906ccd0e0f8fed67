import { LATER_GUARDS } from '../guards.ts';
import { describeGuards } from './describe-guards.ts';

describeGuards(LATER_GUARDS);
