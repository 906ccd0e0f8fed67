import type { CommandStartedEvent, Document, MongoClient } from 'mongodb';

/** What drivers send around the commands of an application. */
const HOUSEKEEPING: ReadonlySet<string> = new Set(['endSessions', 'killCursors', 'ping']);

/** The commands that a client sent; the client has to be made with `monitorCommands: true`. */
export class CommandLog {
  readonly #commands: Document[] = [];

  constructor(client: MongoClient) {
    client.on('commandStarted', ({ commandName, command }: CommandStartedEvent) => {
      if (!HOUSEKEEPING.has(commandName)) this.#commands.push({ ...command });
    });
  }

  /** The commands since the last take, in order. */
  take(): Document[] {
    return this.#commands.splice(0);
  }

  /** The commands that `work` sends. */
  async during(work: () => Promise<unknown>): Promise<Document[]> {
    this.take();
    await work();
    return this.take();
  }
}

/** The name of a command. */
export function nameOf(command: Document): string {
  return Object.keys(command)[0] ?? '';
}

/** The names of commands, in order. */
export function namesOf(commands: readonly Document[]): string[] {
  return commands.map(nameOf);
}

/** The one command of this name. */
export function onlyCommand(commands: readonly Document[], name: string): Document {
  const [command, ...others] = commands.filter((candidate) => nameOf(candidate) === name);
  if (command === undefined || others.length > 0) {
    throw new Error(`Expected one ${name}, got the commands ${namesOf(commands).join(', ')}`);
  }
  return command;
}
