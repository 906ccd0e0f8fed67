/** What is recorded of the stages and gates of one job of the model, written from the design and not from the code. */
import { type JobView, STAGES, type StepOf } from './model-step.ts';

/** True when just so many of the stages are recorded; also when nothing is said of them. */
export function fits({ stages }: JobView, count: number | null): boolean {
  if (count === null) return true;
  const names = stages.map(([name]) => name);
  return names.length === count && names.every((name, index) => name === STAGES[index]);
}

/** Records a stage under a claim that stands; the same record again is answered alike. */
export function recordStage(job: JobView, step: StepOf<'checkpoint'>, nowMs: number): string {
  const name = STAGES[step.stage] ?? 'none';
  const before = Math.min(step.before, step.stage);
  if (fits(job, before) && step.gates.every((gate) => job.gates.includes(gate))) {
    job.stages = [...job.stages, [name, nowMs]];
    job.updatedMs = nowMs;
    return 'recorded';
  }
  const last = job.stages.at(-1);
  return last?.[0] === name && last[1] === nowMs ? 'recorded' : 'refused';
}

/** Takes down where a job waits. */
export function comeToRest(job: JobView, { gate, waitMs }: StepOf<'settle'>, nowMs: number): void {
  Object.assign(job, { blockedBy: gate, blockedMs: nowMs });
  if (waitMs !== null) job.blockedUntilMs = nowMs + waitMs;
}

/** Opens a gate that is closed; the name of the verb. Undefined when it is open. */
export function openGate(
  job: JobView,
  gate: string,
  nowMs: number,
): 'unblock' | 'openGate' | undefined {
  if (job.gates.includes(gate)) return undefined;
  job.gates = [...job.gates, gate];
  job.updatedMs = nowMs;
  if (job.blockedBy !== gate) return 'openGate';
  leaveGate(job);
  Object.assign(job, { status: 'pending', dueMs: nowMs });
  return 'unblock';
}

/** Forgets where a job waited. */
export function leaveGate(job: JobView): void {
  delete job.blockedBy;
  delete job.blockedMs;
  delete job.blockedUntilMs;
}
