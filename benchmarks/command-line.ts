/**
 * What is asked for on the command line.
 *
 * @module
 */
import { parseArgs } from 'node:util';
import { SCENARIOS } from './scenarios/scenarios.ts';
import { SYSTEMS } from './systems.ts';

/** What to run, and how thoroughly. */
export interface Request {
  readonly scenarioIds: readonly string[];
  /** Empty for all. */
  readonly systemIds: readonly string[];
  readonly isQuick: boolean;
  /** Only make the page again. */
  readonly isPageOnly: boolean;
}

/** Reads the arguments; throws with the names there are when one is unknown. */
export function readRequest(args: readonly string[]): Request {
  const { values } = parseArgs({
    args: [...args],
    options: {
      scenario: { type: 'string' },
      system: { type: 'string' },
      quick: { type: 'boolean', default: false },
      page: { type: 'boolean', default: false },
    },
  });
  const scenarios = SCENARIOS.map(({ id }) => id);
  const chosen = known('scenario', values.scenario, scenarios);
  return {
    scenarioIds: chosen.length > 0 ? chosen : scenarios,
    systemIds: known(
      'system',
      values.system,
      SYSTEMS.map(({ id }) => id),
    ),
    isQuick: values.quick,
    isPageOnly: values.page,
  };
}

function known(what: string, given: string | undefined, names: readonly string[]): string[] {
  const chosen = given?.split(',') ?? [];
  const unknown = chosen.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new Error(`Expected a ${what} of ${names.join(', ')}, got '${unknown}'`);
  }
  return chosen;
}
