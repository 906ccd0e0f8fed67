import type { MongoClient } from 'mongodb';

/** What shall fail, and how; the server's own fields. */
export interface FailCommandData {
  readonly failCommands: readonly string[];
  /** Fails the command before it is executed. */
  readonly errorCode?: number;
  /** Cuts the connection before the command is executed. */
  readonly closeConnection?: boolean;
  /** Added to the reply after the command was executed. */
  readonly writeConcernError?: { readonly code: number; readonly errmsg: string };
  readonly blockConnection?: boolean;
  readonly blockTimeMS?: number;
  /** Replaces the labels that the server would give. */
  readonly errorLabels?: readonly string[];
  /** Only for clients with this `appName`. */
  readonly appName?: string;
  /** Only for this `database.collection`. */
  readonly namespace?: string;
}

export type FailPointMode =
  | 'alwaysOn'
  | { readonly times: number }
  | { readonly skip: number }
  | { readonly activationProbability: number };

export interface FailPoint {
  off(): Promise<void>;
  /** Resolves when the fail point was entered `times` times since it was set. */
  entered(times: number, deadlineMs?: number): Promise<void>;
}

/**
 * Makes commands fail on the member that `client` is connected to, by default the next one only.
 * Give it a `directConnection` to a server of the test's own: a mongod has one such fail point.
 */
export async function failCommand(
  client: MongoClient,
  data: FailCommandData,
  mode: FailPointMode = { times: 1 },
): Promise<FailPoint> {
  const admin = client.db('admin');
  const { count } = await admin.command({ configureFailPoint: 'failCommand', mode, data });
  return {
    off: async () => {
      await admin.command({ configureFailPoint: 'failCommand', mode: 'off' });
    },
    entered: async (times, deadlineMs = 10_000) => {
      await admin.command({
        waitForFailPoint: 'failCommand',
        timesEntered: Number(count) + times,
        maxTimeMS: deadlineMs,
      });
    },
  };
}
