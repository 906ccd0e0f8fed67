/** The guards of an outbox, each with the change that removes it. */
import type { Guard } from './guards.ts';
import type { Profile } from './profile.ts';

const SENDING: Partial<Profile> = {
  ...{ messages: 120, outboxOrder: 'commit', jobs: 30, series: 0, failovers: 2 },
  ...{ ledger: 'stepped', hasRetention: false, stops: 0 },
};

/** They are removed one at a time, as the others. */
export const OUTBOX_GUARDS: readonly Guard[] = [
  {
    name: 'the mark of a key in the order of commits',
    without: 'a message passes one whose transaction was committed before its own',
    alterations: [
      {
        file: 'client/outbox.ts',
        find: "if (order === 'commit') {",
        replace: "if (order === 'commit' && key === '') {",
      },
    ],
    rules: ['a message is overtaken'],
    profile: SENDING,
    seed: 1,
  },
  {
    name: 'an id is remembered',
    without: 'a message is stored once more under its id',
    alterations: [
      {
        file: 'client/outbox.ts',
        find: 'if (!isNew) return false;',
        replace: 'if (!isNew && key === "") return false;',
      },
    ],
    rules: ['a message is stored twice'],
    profile: SENDING,
    seed: 1,
  },
  {
    name: 'a message that failed for good holds up its key',
    without: 'a message passes one that failed and was not sent',
    alterations: [
      {
        file: 'client/outbox.ts',
        find: "order: { whenFailed: 'halt' },",
        replace: "order: { whenFailed: 'next' },",
      },
    ],
    rules: ['a message is overtaken'],
    profile: SENDING,
    seed: 26,
  },
  {
    name: 'a message goes by its transaction',
    without: 'a message is stored although its transaction is aborted',
    alterations: [
      {
        file: 'client/insert-batches.ts',
        find: 'const { answers } = await this.#context.ledger.enqueue({ jobs, session });',
        replace: 'const { answers } = await this.#context.ledger.enqueue({ jobs });',
      },
    ],
    rules: ['a message is stored outside its transaction'],
    profile: SENDING,
    seed: 1,
  },
];
