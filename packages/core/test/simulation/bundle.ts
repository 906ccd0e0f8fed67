/** Bundles the simulation with the engine, as it is or with a part of its source altered. */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'tsdown';

/** One change to the source of the engine. */
export interface Alteration {
  /** Under `packages/core/src`. */
  readonly file: string;
  /** What stands there, exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** The simulation as a module. */
export type SimulationModule = typeof import('./simulation.ts');

/**
 * Loads a bundle of the simulation.
 *
 * @param directory - the directory of the simulation's source
 * @throws Error when an alteration does not find its text exactly once
 */
export async function loadSimulation(
  directory: string,
  alterations: readonly Alteration[] = [],
): Promise<SimulationModule> {
  const core = join(directory, '../..');
  // Inside the repository, where the bundle finds its dependencies.
  const outDir = await mkdtemp(join(core, '../../node_modules/.monque-simulation-'));
  const altered = new Set<Alteration>();
  const transform = (code: string, id: string): string | undefined => {
    const own = alterations.filter(({ file }) => id === join(core, 'src', file));
    if (own.length === 0) return undefined;
    return own.reduce((text, alteration) => {
      altered.add(alteration);
      return alter(text, alteration);
    }, code);
  };
  try {
    await build({
      config: false,
      cwd: core,
      entry: { simulation: join(directory, 'simulation.ts') },
      outDir,
      format: 'esm',
      platform: 'node',
      dts: false,
      clean: false,
      exports: false,
      logLevel: 'silent',
      plugins: [{ name: 'alter', transform }],
    });
    const missed = alterations.find((alteration) => !altered.has(alteration));
    if (missed) throw new Error(`The simulation does not use ${missed.file}`);
    return await import(pathToFileURL(join(outDir, 'simulation.mjs')).href);
  } finally {
    await rm(outDir, { recursive: true, force: true });
  }
}

function alter(code: string, { file, find, replace }: Alteration): string {
  const parts = code.split(find);
  if (parts.length === 2) return parts.join(replace);
  throw new Error(`Expected once in ${file}, found ${parts.length - 1} times: ${find}`);
}
