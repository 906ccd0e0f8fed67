/**
 * One process of a measurement: it plays one role for one system, answers, and ends.
 *
 * @module
 */
import type { Place } from './adapter.ts';
import { drain } from './roles/drain.ts';
import { enqueue } from './roles/enqueue.ts';
import { idle } from './roles/idle.ts';
import { memory } from './roles/memory.ts';
import { probe } from './roles/probe.ts';
import { rate } from './roles/rate.ts';
import type { Link, Role, RoleParams } from './roles/role.ts';
import { steady } from './roles/steady.ts';
import { systemsOf } from './systems.ts';

/** The roles by their names. */
const ROLES = { drain, enqueue, idle, memory, probe, rate, steady } satisfies Record<string, Role>;

/** Names of roles. */
export type RoleName = keyof typeof ROLES;

/** The first message to the process. */
export interface Assignment {
  readonly systemId: string;
  readonly role: RoleName;
  readonly params: RoleParams;
  readonly place: Place;
}

/** What the process sends. */
export type Report =
  | { readonly kind: 'note'; readonly value: Record<string, unknown> }
  | { readonly kind: 'result'; readonly value: Record<string, unknown> }
  | { readonly kind: 'failure'; readonly message: string };

const words: string[] = [];
let wakeReader: (() => void) | undefined;

process.on('message', (message: Assignment | string) => {
  if (typeof message !== 'string') return void play(message);
  words.push(message);
  wakeReader?.();
});
// Without the process that measures there is nothing left to do.
process.once('disconnect', () => process.exit(1));

const link: Link = {
  note: (value) => send({ kind: 'note', value }),
  receive: async () => {
    while (words.length === 0) {
      await new Promise<void>((resolve) => {
        wakeReader = resolve;
      });
    }
    return String(words.shift());
  },
};

async function play({ systemId, role, params, place }: Assignment): Promise<void> {
  try {
    const [system] = systemsOf(systemId);
    const open = await system?.open();
    if (open === undefined) throw new Error(`Expected the id of a system, got '${systemId}'`);
    const value = await ROLES[role]({ open, place, params, link });
    send({ kind: 'result', value }, () => process.exit(0));
  } catch (error) {
    const message = error instanceof Error ? String(error.stack) : String(error);
    send({ kind: 'failure', message }, () => process.exit(1));
  }
}

function send(report: Report, sent?: () => void): void {
  process.send?.(report, undefined, {}, sent);
}
