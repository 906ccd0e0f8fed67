/**
 * One request, as a handler gets it: checked, and with the actor it is made as.
 *
 * @module
 */
import type { Actor, Job, MonqueManagement } from '@monque/core';
import type { RouteId } from '../api/routes.ts';
import type { Time } from '../api/types.ts';
import { notFound } from './problems.ts';
import type { Eyes } from './redaction.ts';
import { type Scope, scopeOf } from './scope.ts';
import type { Server } from './server.ts';
import type { Snapshot } from './snapshot.ts';

/** What a call is made of. */
export interface CallParts {
  readonly server: Server;
  readonly request: Request;
  readonly actor: Actor;
  readonly readOnly: boolean;
  readonly id: string;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

/** Answers a call: what is sent as JSON, or a `Response`. */
export type Handler = (call: Call) => unknown;

/** One handler for each operation. */
export type Handlers<Id extends RouteId> = Readonly<Record<Id, Handler>>;

/** One request. */
export class Call {
  readonly server: Server;
  readonly request: Request;
  readonly actor: Actor;
  readonly readOnly: boolean;
  /** The `{id}` of the path; empty where there is none. */
  readonly id: string;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: unknown;
  /** The verbs, as the actor may use them. */
  readonly monque: MonqueManagement;
  readonly eyes: Eyes;

  constructor(parts: CallParts) {
    const { server, request, actor, readOnly, id, query, body } = parts;
    this.server = server;
    this.request = request;
    this.actor = actor;
    this.readOnly = readOnly;
    this.id = id;
    this.query = query;
    this.body = body;
    this.monque = server.as(actor);
    this.eyes = { redaction: server.redaction, actor };
  }

  /** The id of the actor. */
  get actorId(): string {
    return typeof this.actor === 'string' ? this.actor : this.actor.id;
  }

  /** The time of the ledger. */
  get at(): Time {
    return this.server.snapshots.now().toISOString();
  }

  /** The shared snapshot, with what the actor sees of it. */
  async look(): Promise<{ readonly snapshot: Snapshot; readonly scope: Scope }> {
    const snapshot = await this.server.snapshots.read();
    return { snapshot, scope: await scopeOf(this.monque, snapshot, this.server.names) };
  }

  /** The names a list is narrowed to when none are given: none for an actor who sees all. */
  async names(): Promise<readonly string[] | undefined> {
    if (await this.monque.can('findJobs')) return undefined;
    const { scope } = await this.look();
    return [...scope.names];
  }

  /** The job of the path. */
  async job(): Promise<Job> {
    return found(await this.monque.getJob(this.id));
  }
}

/** @throws a 404 when there is none */
export function found(job: Job | null): Job {
  if (job !== null) return job;
  throw notFound('There is no job with this id, or not any more');
}
