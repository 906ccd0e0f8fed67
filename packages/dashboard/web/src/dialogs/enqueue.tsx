import { useState } from 'preact/hooks';
import type { Ejson, EnqueueRequest, JobAnswer } from '../../../src/api/types.ts';
import { apiUrl, call } from '../api/client.ts';
import { href } from '../app/router.ts';
import { knownNames } from '../pages/jobs-query.ts';
import { Dialog } from '../ui/dialog.tsx';
import { isoTime, JsonField, readJson, TextField } from '../ui/fields.tsx';
import { say } from '../ui/toast.tsx';

interface EnqueueDialogProps {
  readonly name?: string;
  readonly data?: Ejson;
  readonly metadata?: Ejson;
  readonly priority?: number;
  onClose(): void;
}

/** Enqueues a job; the fields may come from another one. */
export function EnqueueDialog({ onClose, ...given }: EnqueueDialogProps) {
  const [name, setName] = useState(given.name ?? '');
  const [data, setData] = useState(textOf(given.data));
  const [metadata, setMetadata] = useState(textOf(given.metadata));
  const [priority, setPriority] = useState(String(given.priority ?? 0));
  const [runAt, setRunAt] = useState('');
  const [uniqueKey, setUniqueKey] = useState('');
  // One key for this form: sent again after a lost answer it stores no second job.
  const [sendKey] = useState(() => crypto.getRandomValues(new Uint32Array(4)).join('-'));

  const send = async (): Promise<void> => {
    const [body, notes] = [readJson('The data', data), readJson('The metadata', metadata)];
    const request: EnqueueRequest = {
      name,
      ...(body !== undefined && { data: body }),
      ...(notes !== undefined && { metadata: notes }),
      ...(Number(priority) !== 0 && { priority: Number(priority) }),
      ...(runAt !== '' && { runAt: isoTime(runAt) }),
      ...(uniqueKey !== '' && { uniqueKey }),
    };
    const { job } = await call<JobAnswer>('POST', apiUrl('jobs'), {
      body: request,
      headers: { 'idempotency-key': sendKey },
    });
    say(
      <>
        Enqueued: <a href={href(`jobs/${job.id}`)}>{job.name}</a>
      </>,
    );
  };

  return (
    <Dialog
      title="Enqueue a job"
      isWide
      onClose={onClose}
      action={{ label: 'Enqueue', icon: 'plus', run: send }}
    >
      <TextField label="Name" value={name} list={knownNames()} onInput={setName} />
      <JsonField label="Data" value={data} onInput={setData} />
      <div class="halves">
        <TextField
          label="Not before"
          type="datetime-local"
          value={runAt}
          hint="In the time zone of this browser; empty for now"
          onInput={setRunAt}
        />
        <TextField
          label="Priority"
          type="number"
          value={priority}
          hint="From -100 (first) to 100 (last)"
          onInput={setPriority}
        />
        <TextField
          label="Unique key"
          value={uniqueKey}
          hint="While a job holds it, no second one is stored"
          onInput={setUniqueKey}
        />
      </div>
      <details>
        <summary>Metadata</summary>
        <JsonField label="Metadata" value={metadata} onInput={setMetadata} />
      </details>
    </Dialog>
  );
}

function textOf(value: Ejson | undefined): string {
  return value === undefined ? '' : JSON.stringify(value, null, 2);
}
