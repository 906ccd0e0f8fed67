import { describe, expect, test } from 'vitest';
import { makeJob } from '../testing/index.ts';
import { type Job, MOST_GATES, MOST_HISTORY, MOST_LOG_LINES, MOST_STAGES } from './job.ts';
import { JOB_LIFECYCLE, type JobVerb } from './job-lifecycle.ts';
import { type Condition, GONE, STAYS } from './lifecycle.ts';

const { transitions, verbs, states, terminal } = JOB_LIFECYCLE;

const leaving = verbs.filter(
  (verb) =>
    transitions[verb].from.includes('processing') &&
    transitions[verb].to !== 'processing' &&
    transitions[verb].to !== STAYS,
);
const finishing = verbs.filter((verb) => terminal.some((state) => state === transitions[verb].to));
const ofForeignJobs = ['recover', 'recoverToCancelled'] as const;
const toNextRun = [
  'repeat',
  'repeatAfterFailure',
  'rescueToNextRun',
  'expireGateToNextRun',
  'skipRun',
] as const;

function guardsOf(verb: JobVerb): readonly Condition[] {
  return transitions[verb].guards ?? [];
}

function without(all: readonly JobVerb[], some: readonly JobVerb[]): readonly JobVerb[] {
  return all.filter((verb) => !some.includes(verb));
}

test('nothing but a claim leads to processing, except what stays there', () => {
  const entering = verbs.filter((verb) => {
    const { from, to } = transitions[verb];
    return to === 'processing' && !from.every((state) => state === 'processing');
  });
  expect(entering).toEqual(['claim', 'claimInOrder']);
});

test('what stays in processing leaves the claim alone', () => {
  const staying = verbs.filter(
    (verb) => transitions[verb].from.includes('processing') && !leaving.includes(verb),
  );
  expect(staying).toEqual([
    'note',
    'checkpoint',
    'openGate',
    'requestCancel',
    'endSeriesAfterRun',
    'replanRunning',
  ]);
  for (const verb of staying) {
    const { set = {}, replace = {}, clear = [] } = transitions[verb];
    const written = [...Object.keys(set), ...Object.keys(replace), ...clear];
    for (const field of ['claimToken', 'claimedBy', 'lockedAt', 'lastToken', 'nextRunAt']) {
      expect(written, verb).not.toContain(field);
    }
  }
});

test('every verb that ends a claim is guarded by its token, or by there being no holder', () => {
  expect(leaving).toHaveLength(19);
  for (const verb of without(leaving, ofForeignJobs)) {
    expect(guardsOf(verb), verb).toContainEqual({
      field: 'claimToken',
      is: 'equal',
      to: 'claimToken',
    });
  }
  for (const verb of ofForeignJobs) {
    expect(guardsOf(verb), verb).toContainEqual({ field: 'claimedBy', is: 'absent' });
  }
});

test('every verb that ends a claim clears it', () => {
  for (const verb of leaving) {
    const { clear } = transitions[verb];
    expect(clear, verb).toEqual(expect.arrayContaining(['claimToken', 'claimedBy', 'lockedAt']));
  }
});

test('only the holder of a claim leaves its token as the last one', () => {
  const keeping = leaving.filter((verb) => transitions[verb].set?.lastToken === undefined);
  expect(keeping).toEqual([
    'rescue',
    'rescueToFailed',
    'rescueToCancelled',
    'rescueToNextRun',
    'rescueToDeadLetter',
    'recover',
    'recoverToCancelled',
  ]);
});

test('a job becomes pending again before a request to cancel, or as the next run', () => {
  const returning = leaving.filter((verb) => transitions[verb].to === 'pending');
  for (const verb of without(returning, toNextRun)) {
    expect(guardsOf(verb), verb).toContainEqual({ field: 'cancelRequestedAt', is: 'absent' });
  }
  for (const verb of returning)
    expect(transitions[verb].clear, verb).toContain('cancelRequestedAt');
});

test('the next run of a series is computed with its plan, and nothing of the last run stays', () => {
  for (const verb of toNextRun) {
    const { set, reset, clear } = transitions[verb];
    expect(guardsOf(verb), verb).toContainEqual({
      field: 'seriesVersion',
      is: 'same',
      to: 'seriesVersion',
    });
    expect(set, verb).toMatchObject({ nextRunAt: 'nextRunAt', scheduledFor: 'scheduledFor' });
    expect(reset, verb).toContain('failCount');
    expect(clear, verb).toEqual(
      expect.arrayContaining(['failReason', 'rescueCount', 'progress', 'logs', 'stages', 'gates']),
    );
  }
});

test('every change of a plan raises its version and is guarded by the one that was read', () => {
  const planning = verbs.filter((verb) => {
    const { clear = [], replace = {} } = transitions[verb];
    return clear.includes('repeatInterval') || 'repeatInterval' in replace;
  });
  expect(planning).toEqual(['endSeries', 'endSeriesAfterRun', 'replan', 'replanRunning']);
  for (const verb of planning) {
    expect(transitions[verb].increment, verb).toContain('seriesVersion');
    expect(guardsOf(verb), verb).toContainEqual({
      field: 'seriesVersion',
      is: 'same',
      to: 'seriesVersion',
    });
  }
});

test('no verb that ends a run for good passes over a change of the plan', () => {
  for (const verb of without(finishing, ['cancel', 'failByParent', ...ofForeignJobs])) {
    expect(guardsOf(verb), verb).toContainEqual({
      field: 'seriesVersion',
      is: 'same',
      to: 'seriesVersion',
    });
  }
  expect(guardsOf('cancel')).toContainEqual({ field: 'repeatInterval', is: 'absent' });
  // A job of a flow belongs to no series.
  expect(guardsOf('failByParent')).toContainEqual({ field: 'waitsFor', is: 'present' });
});

test('every verb to a finished state frees the locks of the work and stamps the end', () => {
  expect(finishing).toHaveLength(12);
  for (const verb of finishing) {
    const { clear, set } = transitions[verb];
    expect(clear, verb).toEqual(expect.arrayContaining(['uniqueLock', 'startLock']));
    expect(set, verb).toMatchObject({ finishedAt: 'now', updatedAt: 'now' });
  }
});

test('a count of failures only grows by one, or begins again with another run, name or redrive', () => {
  const resetting = verbs.filter((verb) => transitions[verb].reset?.includes('failCount'));
  expect(resetting).toEqual([
    ...toNextRun.slice(0, 4),
    'redriveToWait',
    ...['bury', 'rescueToDeadLetter', 'redriveDeadLetter'],
    ...['skipRun', 'replan', 'redrive'],
  ]);
  for (const verb of verbs) {
    const { set = {}, replace = {}, append = {}, clear = [] } = transitions[verb];
    const written = [set, replace, append].flatMap((fields) => Object.keys(fields));
    expect([...written, ...clear], verb).not.toContain('failCount');
  }
});

test('every verb that records a stage does so behind just those before it and behind open gates', () => {
  const recording = verbs.filter((verb) => transitions[verb].append?.stages !== undefined);
  expect(recording).toEqual(['complete', 'checkpoint']);
  for (const verb of [...recording, 'repeat' as const]) {
    expect(guardsOf(verb), verb).toContainEqual({
      field: 'stages',
      is: 'lists',
      to: 'stagesBefore',
    });
    expect(guardsOf(verb), verb).toContainEqual({
      field: 'gates',
      is: 'includes',
      to: 'gatesBefore',
    });
  }
});

test('a job that leaves its gate shows nothing of it', () => {
  const gone = verbs.filter((verb) => {
    const { from, to } = transitions[verb];
    return from.includes('blocked') && to !== STAYS && to !== GONE;
  });
  expect(gone).toHaveLength(8);
  const ofFlows: readonly JobVerb[] = ['releaseChild', 'failByParent'];
  for (const verb of ofFlows) {
    expect(guardsOf(verb), verb).toContainEqual({ field: 'blockedBy', is: 'absent' });
  }
  for (const verb of without(gone, ofFlows)) {
    expect(transitions[verb].clear, verb).toEqual(
      expect.arrayContaining(['blockedBy', 'blockedAt', 'blockedUntil']),
    );
  }
});

test('a claim frees the lock until the start, and only what cancels from outside or buries that of a window', () => {
  expect(transitions.claim.clear).toContain('startLock');
  const freeing = verbs.filter((verb) => transitions[verb].clear?.includes('windowLock'));
  expect(freeing.sort()).toEqual([
    'bury',
    'cancel',
    'cancelled',
    'recoverToCancelled',
    'rescueToCancelled',
    'rescueToDeadLetter',
  ]);
});

test('a job that has parents is redriven to wait for them, and who has children leaves by its own verb', () => {
  expect(guardsOf('redrive')).toEqual([{ field: 'waitsFor', is: 'absent' }]);
  expect(guardsOf('redriveToWait')).toEqual([{ field: 'waitsFor', is: 'present' }]);
  expect(guardsOf('remove')).toEqual([{ field: 'feeds', is: 'absent' }]);
  expect(guardsOf('removeParent')).toEqual([{ field: 'feeds', is: 'present' }]);
  const { guards: _, to: __, ...effects } = transitions.redrive;
  const { set: { uniqueLock: ___, startLock: ____, ...set } = {}, ...rest } = effects;
  expect(transitions.redriveToWait).toMatchObject({ ...rest, set });
});

test('a job leaves a finished state only by leaving the ledger, or by a redrive', () => {
  const from = (state: Job['status']): unknown =>
    verbs.filter((verb) => JOB_LIFECYCLE.allowsFrom(verb, state));
  const leaving = ['removeParent', 'remove', 'prune'];
  expect(from('completed')).toEqual(leaving);
  const back = [
    ...['redriveToWait', 'removeParent', 'redriveDeadLetter', 'redrive', 'remove', 'prune'],
  ];
  expect(from('failed')).toEqual(back);
  expect(from('cancelled')).toEqual(back);
  expect(states.filter((state) => JOB_LIFECYCLE.allowsFrom('remove', state))).not.toContain(
    'processing',
  );
});

test('only a burial and a redrive of what was buried change the name of a job', () => {
  const naming = verbs.filter((verb) => 'name' in { ...transitions[verb].set });
  expect(naming).toEqual(['bury', 'rescueToDeadLetter', 'redriveDeadLetter']);
  for (const verb of naming.slice(0, 2)) {
    for (const field of ['lane', 'source'] as const) {
      expect(guardsOf(verb), verb).toContainEqual({ field, is: 'absent' });
    }
  }
  expect(guardsOf('redriveDeadLetter')).toEqual([{ field: 'source', is: 'present' }]);
  expect(transitions.redriveDeadLetter.increment).toEqual(['fence']);
});

test('lists are bounded wherever they grow', () => {
  const bounds = {
    history: MOST_HISTORY,
    logs: MOST_LOG_LINES,
    stages: MOST_STAGES,
    gates: MOST_GATES,
  };
  for (const verb of verbs) {
    for (const [field, { most }] of Object.entries(transitions[verb].append ?? {})) {
      expect(most, `${verb} ${field}`).toBe(bounds[field as keyof typeof bounds]);
    }
  }
});

describe('of the verbs a call chooses from', () => {
  const applying = (names: readonly JobVerb[], record: Job, params: object): readonly JobVerb[] =>
    names.filter((verb) =>
      JOB_LIFECYCLE.applies(verb, record as Job & Record<string, unknown>, { ...params }),
    );

  test('a rescue of a job without a series finds exactly one', () => {
    const params = { deadInstanceId: 'dead', claimToken: 'token', lastRescueCount: 4 };
    const held = { status: 'processing', claimedBy: 'dead', claimToken: 'token' } as const;
    const records = [undefined, 0, 3, 4, 5].flatMap((rescueCount) => {
      const job = makeJob({ ...held, ...(rescueCount !== undefined && { rescueCount }) });
      return [job, { ...job, cancelRequestedAt: new Date(0) }];
    });
    for (const record of records) {
      const chosen = ['rescue', 'rescueToFailed', 'rescueToCancelled'] as const;
      expect(applying(chosen, record, params)).toHaveLength(1);
    }
  });

  test('a recovery finds exactly one', () => {
    const left = makeJob({ status: 'processing', lockedAt: new Date(5) });
    const { claimedBy: _, claimToken: __, ...job } = left;
    const params = { staleBefore: new Date(5), now: new Date(9) };
    expect(applying(ofForeignJobs, job, params)).toEqual(['recover']);
    const asked = { ...job, cancelRequestedAt: new Date(6) };
    expect(applying(ofForeignJobs, asked, params)).toEqual(['recoverToCancelled']);
    expect(applying(ofForeignJobs, job, { ...params, staleBefore: new Date(4) })).toEqual([]);
    expect(applying(ofForeignJobs, left, params)).toEqual([]);
  });

  test('a job whose unique window goes on is not pruned', () => {
    const job = makeJob({ status: 'completed', finishedAt: new Date(5) });
    const params = { finishedBefore: new Date(5), now: new Date(9) };
    expect(applying(['prune'], job, params)).toEqual(['prune']);
    expect(applying(['prune'], { ...job, windowUntil: new Date(8) }, params)).toEqual(['prune']);
    expect(applying(['prune'], { ...job, windowUntil: new Date(9) }, params)).toEqual([]);
  });
});
