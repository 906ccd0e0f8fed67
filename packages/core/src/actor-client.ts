/**
 * The verbs on jobs as an actor may use them.
 *
 * @module
 */
import { accessOf, contextOver, type EngineContext } from './context/scheduler-context.ts';
import { JobsClient, type SharedParts } from './jobs-client.ts';
import type { Actor } from './ledger/ledger-repository.ts';
import { boundTo, checkActor } from './ledger/views/actor-view.ts';

/** The verbs for one actor. The hook of the scheduler goes before one that its ledger was given. */
export function clientOf(context: EngineContext, shared: SharedParts, actor: Actor): JobsClient {
  const { ledger, emit } = context;
  const view = boundTo(ledger, checkActor('actor', actor), {
    may: (question) => accessOf(context).may(question),
    onDenied: ({ actorId, verb, jobName: name }) => {
      emit('access:denied', { actor: actorId, verb, ...(name !== undefined && { name }) });
    },
  });
  const client = new JobsClient(contextOver(context, view), shared, actor);
  Object.freeze(client);
  return client;
}
