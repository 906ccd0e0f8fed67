import { ENGINE_GUARDS } from '../guards.ts';
import { describeGuards } from './describe-guards.ts';

describeGuards(ENGINE_GUARDS);
