/** The guards of dead letters, each with the change that removes it. */
import type { Guard } from './guards.ts';

const MANY_DEAD = { deadLetters: 40, poisonRate: 0.03 } as const;

/** They are removed one at a time, as the others. */
export const DEAD_LETTER_GUARDS: readonly Guard[] = [
  {
    name: 'the claim of a burial',
    without: 'an instance that was declared dead buries what others hold',
    alterations: [
      {
        file: 'job/dead-letter-transitions.ts',
        find: 'guards: [HOLDS_CLAIM, ...MAY_BE_BURIED],',
        replace: 'guards: MAY_BE_BURIED,',
      },
    ],
    rules: ['a settle lands on another claim'],
    profile: { ...MANY_DEAD, pauseRate: 0.005, crashRate: 0 },
    seed: 15,
  },
  {
    name: 'no burial of what is to be cancelled',
    without: 'a job that somebody wants to be cancelled waits on under another name',
    alterations: [
      {
        file: 'job/dead-letter-transitions.ts',
        find: '  SAME_PLAN,\n  NO_CANCEL,',
        replace: '  SAME_PLAN,',
      },
    ],
    rules: ['a request to cancel is forgotten'],
    profile: MANY_DEAD,
    seed: 53,
  },
  {
    name: 'a dead letter fails where it is',
    without: 'the end of a dead letter that failed is never recorded',
    alterations: [
      {
        file: 'job/dead-letters.ts',
        find: 'return !isTied && source === undefined;',
        replace: 'return !isTied && source !== null;',
      },
    ],
    rules: ['the engine finds a fault in itself'],
    profile: MANY_DEAD,
    seed: 1,
  },
  {
    name: 'what the dead instance had said of its workers',
    without: 'a job whose instances died too often fails where it should be buried',
    alterations: [
      {
        file: 'engine/instance-info.ts',
        find: "const { deadLetter = '' } = retry;",
        replace: "const deadLetter = retry && '';",
      },
    ],
    rules: ['a job fails that should be buried'],
    profile: MANY_DEAD,
    seed: 1,
  },
];
