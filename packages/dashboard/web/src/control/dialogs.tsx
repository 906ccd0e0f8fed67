import { useState } from 'preact/hooks';
import type { GroupRequest, GroupRow, LimitRequest, LimitRow } from '../../../src/api/types.ts';
import { apiUrl, call } from '../api/client.ts';
import { readSnapshot } from '../api/live.ts';
import { Dialog } from '../ui/dialog.tsx';
import { TextField } from '../ui/fields.tsx';
import { attempt, say } from '../ui/toast.tsx';
import { BoundsFields, readCount, readRate, textOf, useBounds } from './bounds.tsx';

interface LimitDialogProps {
  /** The one that is changed; without it a new one is made. */
  readonly limit?: LimitRow;
  onClose(): void;
  onDone(): void;
}

/** Sets a limit, for all processes and while they run. */
export function LimitDialog({ limit, onClose, onDone }: LimitDialogProps) {
  const [key, setKey] = useState(limit?.key ?? '');
  const [text, setText] = useBounds(limit ?? {});
  const [reason, setReason] = useState('');
  const save = async (): Promise<void> => {
    if (key === '') throw new Error('Give the key of the limit.');
    const concurrency = readCount('Jobs that run at once', text.concurrency);
    const rate = readRate(text);
    const body: LimitRequest = {
      key,
      ...(concurrency !== undefined && { concurrency }),
      ...(rate && { rate }),
      ...(reason !== '' && { reason }),
    };
    await call('PUT', apiUrl('limits'), { body });
    say(`The limit ${key} holds in every process within two seconds`);
    onDone();
  };
  return (
    <Dialog
      title={limit ? `Change the limit ${limit.key}` : 'Set a limit'}
      onClose={onClose}
      action={{ label: limit ? 'Change it' : 'Set it', run: save }}
    >
      <p>
        It holds for all processes together, and at once. What runs, runs on; what is left empty is
        not bounded.
      </p>
      {!limit && (
        <TextField
          label="Key"
          value={key}
          hint="Workers name it in their option limits"
          onInput={setKey}
        />
      )}
      <BoundsFields text={text} onChange={setText} empty="not bounded" />
      <TextField
        label="Reason"
        value={reason}
        hint="Passed to the hook that allows it"
        onInput={setReason}
      />
    </Dialog>
  );
}

interface GroupDialogProps {
  readonly group: GroupRow;
  onClose(): void;
  onDone(): void;
}

/** Sets what one group may do. What is not changed stays as it is, also where it comes from the worker. */
export function GroupDialog({ group: row, onClose, onDone }: GroupDialogProps) {
  const { name, group } = row;
  const [before] = useBounds(row);
  const [text, setText] = useBounds(row);
  const [weight, setWeight] = useState(textOf(row.weight));
  const [reason, setReason] = useState('');
  const save = async (): Promise<void> => {
    const isRateNew = (['starts', 'seconds', 'burst'] as const).some((k) => text[k] !== before[k]);
    const body: GroupRequest = {
      ...{ name, group },
      ...(text.concurrency !== before.concurrency && {
        concurrency: readCount('Jobs that run at once', text.concurrency) ?? null,
      }),
      ...(isRateNew && { rate: readRate(text) ?? null }),
      ...(weight !== textOf(row.weight) && { weight: readCount('Weight', weight) ?? null }),
      ...(reason !== '' && { reason }),
    };
    await setGroup(body);
    say(`The group ${group} of ${name} was changed`);
    onDone();
  };
  return (
    <Dialog
      title={`Change the group ${group}`}
      onClose={onClose}
      action={{ label: 'Change it', run: save }}
    >
      <p>
        For jobs of <strong>{name}</strong> in this group, over all processes. What you empty is
        taken back: what the worker says holds again.
      </p>
      <BoundsFields text={text} onChange={setText} empty="as the worker says" />
      <TextField
        type="number"
        label="Weight"
        value={weight}
        placeholder="as the worker says"
        hint="How many of its jobs are claimed at each of its turns"
        onInput={setWeight}
      />
      <TextField
        label="Reason"
        value={reason}
        hint="Passed to the hook that allows it"
        onInput={setReason}
      />
    </Dialog>
  );
}

async function setGroup(body: GroupRequest): Promise<void> {
  await call('PATCH', apiUrl('groups'), { body });
}

/** Lets no more jobs of a group start, or lets them start again. */
export function pauseGroup(
  { name, group }: Pick<GroupRequest, 'name' | 'group'>,
  paused: boolean,
  onDone: () => void,
): void {
  const done = paused ? `${group} is paused; what runs, runs on` : `${group} goes on`;
  void attempt(done, async () => {
    await setGroup({ name, group, paused });
    await readSnapshot();
    onDone();
  });
}
