import { useState } from 'preact/hooks';
import type { Ejson, JobAnswer, JobSummary } from '../../../src/api/types.ts';
import { apiUrl, call, post } from '../api/client.ts';
import { now } from '../app/clock.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Note } from '../ui/faces.tsx';
import { Field, isoTime, JsonField, localTime, readJson, TextField } from '../ui/fields.tsx';
import { say } from '../ui/toast.tsx';

interface JobDialogProps {
  readonly job: JobSummary;
  onClose(): void;
  onDone(): void;
}

/** Cancels a job, or asks its handler to end. */
export function CancelDialog({ job, onClose, onDone }: JobDialogProps) {
  const [reason, setReason] = useState('');
  const isRunning = job.status === 'processing';
  return (
    <Dialog
      title={isRunning ? 'Ask the job to cancel' : 'Cancel the job'}
      onClose={onClose}
      action={{
        label: isRunning ? 'Ask it to cancel' : 'Cancel the job',
        isDangerous: true,
        run: async () => {
          await post<JobAnswer>(`jobs/${job.id}/actions/cancel`, reason === '' ? {} : { reason });
          say(isRunning ? 'The job was asked to cancel' : 'The job was cancelled');
          onDone();
        },
      }}
    >
      <p>
        {isRunning
          ? 'Its handler sees it by its signal, wherever it runs, and the job ends as cancelled, unless the handler succeeds all the same.'
          : job.cron === undefined
            ? 'It will not run. It can be retried later.'
            : 'Only the waiting run is cancelled; the series goes on.'}
      </p>
      <TextField
        label="Reason"
        value={reason}
        hint="Kept in the history of the job"
        onInput={setReason}
      />
    </Dialog>
  );
}

/** Moves a pending job to another time. */
export function RescheduleDialog({ job, onClose, onDone }: JobDialogProps) {
  const [runAt, setRunAt] = useState(localTime(Date.parse(job.nextRunAt)));
  const moveBy = (ms: number) => () => setRunAt(localTime(now.peek() + ms));
  return (
    <Dialog
      title="Move to another time"
      onClose={onClose}
      action={{
        label: 'Move',
        run: async () => {
          await post<JobAnswer>(`jobs/${job.id}/actions/reschedule`, { runAt: isoTime(runAt) });
          say('The job was moved');
          onDone();
        },
      }}
    >
      <TextField
        label="Not before"
        type="datetime-local"
        value={runAt}
        hint="In the time zone of this browser"
        onInput={setRunAt}
      />
      <div class="row">
        {[
          ['Now', 0],
          ['In an hour', 3_600_000],
          ['Tomorrow', 86_400_000],
        ].map(([label, ms]) => (
          <button key={label} type="button" class="button" onClick={moveBy(Number(ms))}>
            {label}
          </button>
        ))}
      </div>
      {job.cron !== undefined && (
        <Note>Only the waiting run is moved. The later runs of the series stay as planned.</Note>
      )}
    </Dialog>
  );
}

/** Deletes a job for good. */
export function DeleteDialog({ job, onClose, onDone }: JobDialogProps) {
  return (
    <Dialog
      title="Delete the job"
      onClose={onClose}
      action={{
        label: 'Delete it for good',
        icon: 'remove',
        isDangerous: true,
        run: async () => {
          await call('DELETE', apiUrl(`jobs/${job.id}`));
          say('The job was deleted');
          onDone();
        },
      }}
    >
      <p>
        The job <strong>{job.name}</strong> is removed with its data, result and history. This
        cannot be undone.
      </p>
      {job.cron !== undefined && (
        <Note kind="warns">It is the job of a series: the series ends with it.</Note>
      )}
    </Dialog>
  );
}

/** Changes the metadata: keys that were taken out are removed. */
export function MetadataDialog({ job, onClose, onDone }: JobDialogProps) {
  const before = (job.metadata ?? {}) as { readonly [key: string]: Ejson };
  const [text, setText] = useState(JSON.stringify(before, null, 2));
  const save = async (): Promise<void> => {
    const after = readJson('The metadata', text) ?? {};
    if (typeof after !== 'object' || after === null || Array.isArray(after)) {
      throw new Error('The metadata must be an object.');
    }
    const removed = Object.keys(before).filter((key) => !Object.hasOwn(after, key));
    const changed = Object.entries(after).filter(
      ([key, value]) => JSON.stringify(value) !== JSON.stringify(before[key]),
    );
    const changes = Object.fromEntries([...removed.map((key) => [key, null] as const), ...changed]);
    await call('PATCH', apiUrl(`jobs/${job.id}/metadata`), { body: { changes } });
    say('The metadata was changed');
    onDone();
  };
  return (
    <Dialog title="Change the metadata" onClose={onClose} action={{ label: 'Save', run: save }}>
      <JsonField label="Metadata" value={text} onInput={setText} />
    </Dialog>
  );
}

interface GateDialogProps {
  readonly jobs: readonly JobSummary[];
  onClose(): void;
  onDone(): void;
}

/** Opens the gate that jobs wait at, with the same evidence for each. */
export function GateDialog({ jobs, onClose, onDone }: GateDialogProps) {
  const [form, setForm] = useState<'text' | 'json'>('text');
  const [evidence, setEvidence] = useState('');
  const [first] = jobs;
  const open = async (): Promise<void> => {
    if (evidence.trim() === '') throw new Error('Say on what ground the gate is opened.');
    const value = form === 'text' ? evidence : readJson('The evidence', evidence);
    for (const job of jobs) {
      await post<JobAnswer>(`jobs/${job.id}/actions/open-gate`, {
        gate: job.blockedBy,
        evidence: value,
      });
    }
    say(
      jobs.length === 1 ? `The gate ${first?.blockedBy} is open` : `${jobs.length} gates are open`,
    );
    onDone();
  };
  return (
    <Dialog
      title={
        jobs.length === 1
          ? `Open the gate ${first?.blockedBy}`
          : `Open the gates of ${jobs.length} jobs`
      }
      onClose={onClose}
      action={{ label: 'Open', icon: 'open', run: open }}
    >
      <p>
        {jobs.length === 1 ? `The job ${first?.name} goes on at once.` : 'The jobs go on at once.'}{' '}
        The evidence is kept with the job, with the time and your name, and cannot be changed later.
      </p>
      <div class="tabs" role="group" aria-label="The evidence is">
        <button type="button" aria-pressed={form === 'text'} onClick={() => setForm('text')}>
          a text
        </button>
        <button type="button" aria-pressed={form === 'json'} onClick={() => setForm('json')}>
          JSON
        </button>
      </div>
      {form === 'text' ? (
        <Field label="Evidence" hint="Who approved it, a ticket, a document">
          {(ties) => (
            <textarea
              {...ties}
              value={evidence}
              onInput={(event) => setEvidence(event.currentTarget.value)}
            />
          )}
        </Field>
      ) : (
        <JsonField
          label="Evidence"
          value={evidence}
          hint="A gate with a schema refuses what does not fit it"
          onInput={setEvidence}
        />
      )}
    </Dialog>
  );
}
