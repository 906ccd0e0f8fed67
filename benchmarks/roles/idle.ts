/**
 * A worker with nothing to do: what it sends meanwhile is counted, by itself or by its server.
 *
 * @module
 */
import { param, type Role } from './role.ts';

/** Settles down for `settleMs`, then is counted for `durationMs`. */
export const idle: Role = async ({ open, place, params, link }) => {
  const system = await open(place);
  await system.work({ started: () => {}, recorded: () => {} });
  await pause(param(params, 'settleMs'));
  link.note({ settled: true });
  const before = system.counts?.();
  const cpu = process.cpuUsage();
  await pause(param(params, 'durationMs'));
  const { user, system: kernel } = process.cpuUsage(cpu);
  const after = system.counts?.();
  link.note({ counted: true });
  await system.close();
  return {
    cpuUs: user + kernel,
    ...(before && after && { commands: after.commands - before.commands }),
  };
};

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
