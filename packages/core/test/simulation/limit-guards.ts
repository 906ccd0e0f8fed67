/** The guards of limits, each with the change that removes it. */
import type { Guard } from './guards.ts';

const LIMITED = { limits: 8, pausedNames: 0 } as const;
const LATE = { ...LIMITED, lateRate: 0.1, lossRate: 0.05 } as const;

/** They are removed one at a time, as the others. */
export const LIMIT_GUARDS: readonly Guard[] = [
  {
    name: 'no more than is free',
    without: 'every instance gets the share that it asks for',
    alterations: [
      {
        file: 'ledger/limit-share.ts',
        find: 'const count = Math.min(params.count, held + free);',
        replace: 'const { count } = params;',
      },
    ],
    rules: ['shares exceed their limit', 'more run than a limit allows'],
    profile: LIMITED,
    seed: 1,
  },
  {
    name: 'only what is used counts while an outcome is not known',
    without: 'an instance claims under a share that it may have given back',
    alterations: [
      {
        file: 'engine/claiming/held-share.ts',
        find: 'this.#share = Math.min(this.#share, this.#inUse);',
        replace: '',
      },
      {
        file: 'engine/claiming/held-share.ts',
        find: 'this.#share = Math.min(this.#share, plan.count);',
        replace: '',
      },
    ],
    rules: ['more run than a limit allows'],
    profile: LATE,
    seed: 2,
  },
  {
    name: 'the oldest knowledge of a limit',
    without: 'who hears nothing of a change goes on under the old limit',
    alterations: [
      {
        file: 'engine/claiming/held-share.ts',
        find: 'if (this.isStale || this.#isBlocked()) return 0;',
        replace: 'if (this.#isBlocked()) return 0;',
      },
    ],
    rules: ['more run than a limit allows'],
    profile: { ...LATE, hints: 'none' },
    seed: 1,
  },
  {
    name: 'a start of a rate is used once',
    without: 'a claim takes its starts from none that were given',
    alterations: [
      {
        file: 'engine/claiming/held-share.ts',
        find: '    this.#starts -= jobs;\n',
        replace: '',
      },
    ],
    rules: ['more start than a rate allows'],
    profile: { limits: 2, jobs: 400, pausedNames: 0, hasRetention: false },
    seed: 1,
  },
  {
    name: 'unused starts are void',
    without: 'starts that were given long ago are used in one go',
    alterations: [
      {
        file: 'engine/claiming/held-share.ts',
        find: 'return this.#ageMs(this.#startsAt) < STARTS_LAST_MS ? Math.max(this.#starts, 0) : 0;',
        replace: 'return Math.max(this.#starts, 0);',
      },
    ],
    rules: ['more start than a rate allows'],
    profile: {
      ...{ limits: 1, hasSlowRate: true, jobs: 60, pausedNames: 9, series: 0, hasRetention: false },
    },
    seed: 74,
  },
  {
    name: 'a look for suspects wants a share',
    without: 'a suspect never starts under a limit that others keep full',
    alterations: [
      {
        file: 'engine/claiming/suspect-looks.ts',
        find: 'if (!asked.has(name)) this.#short.add(name);',
        replace: 'if (!asked.has(name)) suspects.drained.add(name);',
      },
    ],
    rules: ['a job never ends'],
    profile: { limits: 3, crashRate: 0.003 },
    seed: 27,
  },
  {
    name: 'the number of a call for a share',
    without: 'a call that comes late undoes what came after it',
    alterations: [
      {
        file: 'ledger/memory/limits.ts',
        find: 'if (seq <= (stored.calls.get(instanceId) ?? 0)) {',
        replace: 'if (seq < 0) {',
      },
    ],
    rules: ['more run than a limit allows'],
    profile: LATE,
    seed: 126,
  },
  {
    name: 'a share covers what is used',
    without: 'an instance gives back what its jobs stand on',
    alterations: [
      {
        file: 'engine/claiming/held-share.ts',
        find: 'Math.max(this.#inUse, Math.min(kept - this.#excess(concurrency), most))',
        replace: 'Math.max(0, Math.min(kept - this.#excess(concurrency), most))',
      },
    ],
    rules: ['more run than a limit allows'],
    profile: LIMITED,
    seed: 9,
  },
  {
    name: 'a stop gives its shares back',
    without: 'who has stopped holds shares until somebody finds that he is gone',
    alterations: [
      {
        file: 'engine/instance.ts',
        find: '    await this.#permits.giveBack();\n',
        replace: '',
      },
    ],
    rules: ['a stop keeps a share'],
    profile: LIMITED,
    seed: 1,
  },
];
