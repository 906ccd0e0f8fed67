import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { run } from '../../../../core/test/setup/mongod-binary.ts';

/** A browser that was found. */
export interface FoundChromium {
  readonly binary: string;
  readonly version: string;
}

/** One place to look in; `find` rejects with the reason why nothing is to be had there. */
interface FindStep {
  readonly name: string;
  find(): Promise<FoundChromium>;
}

export interface FindOptions {
  /** @default process.env */
  readonly env?: NodeJS.ProcessEnv;
  /** The id of the user, who may install something as 0. @default that of the process */
  readonly userId?: number;
  /** Gets one line that names the choice. @default console.log */
  readonly log?: (line: string) => void;
}

/** Thrown when no step finds a browser; the message says what was tried and how to go on. */
class ChromiumNotFoundError extends Error {
  override readonly name = 'ChromiumNotFoundError';

  constructor(failed: readonly string[]) {
    super(
      [
        'No Chromium for the tests in a browser could be found or installed. Tried, in this order:',
        ...failed.map((reason, index) => `  ${index + 1}. ${reason}`),
        'To go on, do one of these:',
        '  - set CHROMIUM_BINARY to a Chromium or Chrome',
        `  - install it: apt-get install ${HEADLESS}`,
        '  - set MONQUE_TEST_BROWSER=skip to leave out every test that needs a browser',
      ].join('\n'),
    );
  }
}

/** Without windows first: it draws the same pages, and takes a third less processor time for all tests. */
const HEADLESS = 'chromium-headless-shell';
const NAMES = [HEADLESS, 'chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];
const INSTALL_MS = 240_000;

/** Looks in each place in turn and takes the first browser; throws an error that says what was tried. */
export async function findChromium(options: FindOptions = {}): Promise<FoundChromium> {
  const { env = process.env, userId = process.getuid?.(), log = console.log } = options;
  const failed: string[] = [];
  for (const step of stepsOf(env, userId)) {
    try {
      const found = await step.find();
      log(`Browser for the tests: ${step.name} (${found.version}, ${found.binary})`);
      return found;
    } catch (error) {
      failed.push(`${step.name}: ${(error as Error).message}`);
    }
  }
  throw new ChromiumNotFoundError(failed);
}

function stepsOf(env: NodeJS.ProcessEnv, userId: number | undefined): readonly FindStep[] {
  const onPath = async (): Promise<FoundChromium> => checked(await firstOnPath(env.PATH));
  return [
    { name: 'CHROMIUM_BINARY', find: () => checked(env.CHROMIUM_BINARY) },
    { name: 'Chromium on PATH', find: onPath },
    {
      name: `apt-get install ${HEADLESS}`,
      find: async () => {
        if (userId !== 0) throw new Error('only root may install it');
        const quiet = { env: { ...env, DEBIAN_FRONTEND: 'noninteractive' }, timeoutMs: INSTALL_MS };
        await run('apt-get', ['update', '--quiet'], quiet);
        const packages = ['--yes', '--quiet', '--no-install-recommends', HEADLESS];
        await run('apt-get', ['install', ...packages], quiet);
        return onPath();
      },
    },
  ];
}

async function firstOnPath(path = ''): Promise<string> {
  for (const name of NAMES) {
    for (const folder of path.split(delimiter).filter(Boolean)) {
      const binary = join(folder, name);
      const isThere = await access(binary, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (isThere) return binary;
    }
  }
  throw new Error('there is none');
}

async function checked(binary: string | undefined): Promise<FoundChromium> {
  if (!binary) throw new Error('not set');
  const said = await run(binary, ['--version', '--no-sandbox']);
  const version = /Chrom\S*(?: for Testing)? [\d.]+/.exec(said)?.[0];
  if (version === undefined) throw new Error(`${binary} does not state the version of a Chromium`);
  return { binary, version };
}
