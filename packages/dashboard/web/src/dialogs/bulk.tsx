import { useEffect, useState } from 'preact/hooks';
import type {
  BulkFilter,
  BulkKind,
  Operation,
  OperationAnswer,
  PreviewAnswer,
  Status,
} from '../../../src/api/types.ts';
import { apiUrl, call, get, type ProblemError, post } from '../api/client.ts';
import { learnOperation, operations } from '../api/live.ts';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Loading, Note, ProblemNote } from '../ui/faces.tsx';
import { TextField } from '../ui/fields.tsx';
import { bounded, number, plural } from '../ui/format.ts';
import { Icon } from '../ui/icon.tsx';
import { Meter } from '../ui/parts.tsx';
import { State } from '../ui/state.tsx';
import { complain } from '../ui/toast.tsx';

const WORDS = {
  retry: {
    title: 'Retry jobs',
    does: 'Failed and cancelled jobs become pending again, due at once. Others are left as they are.',
    button: 'Retry',
    from: ['failed', 'cancelled'],
  },
  cancel: {
    title: 'Cancel jobs',
    does: 'Jobs that wait are cancelled at once. Of those that run it is asked: their handlers see it by their signal.',
    button: 'Cancel',
    from: ['pending', 'blocked', 'processing'],
  },
  delete: {
    title: 'Delete jobs',
    does: 'They are gone for good, with their data, results and history. Jobs that run are left as they are.',
    button: 'Delete',
    from: ['pending', 'blocked', 'completed', 'failed', 'cancelled'],
  },
  redrive: {
    title: 'Redrive dead letters',
    does: 'Each gets the name back under which it failed: it is pending there, with no failure counted.',
    button: 'Redrive',
    from: ['pending', 'failed', 'cancelled'],
  },
  cancelFlow: {
    title: 'Cancel the flow',
    does: 'What has not started is cancelled at once, children before their parents. What runs is asked to end.',
    button: 'Cancel',
    from: ['pending', 'blocked', 'processing'],
  },
  redriveFlow: {
    title: 'Redrive the flow',
    does: 'Its failed and cancelled jobs become pending again. Each waits for its parents, as far as these have not completed.',
    button: 'Redrive',
    from: ['failed', 'cancelled'],
  },
} as const;

/** From so many jobs on, or for everything that cannot be undone, the number must be typed. */
const TYPED_FROM = 100;

const ASK_MS = 1_000;

interface BulkDialogProps {
  readonly kind: BulkKind;
  readonly filter: BulkFilter;
  onClose(): void;
}

/** Counts first, asks, and stays open with what is going on. */
export function BulkDialog({ kind, filter, onClose }: BulkDialogProps) {
  const [preview, setPreview] = useState<PreviewAnswer>();
  const [problem, setProblem] = useState<ProblemError>();
  const [typed, setTyped] = useState('');
  const [perSecond, setPerSecond] = useState('');
  const [id, setId] = useState<string>();
  const words = WORDS[kind];

  useEffect(() => {
    post<PreviewAnswer>('operations/preview', { kind, filter }).then(setPreview, setProblem);
  }, []);

  if (id !== undefined) return <OperationDialog id={id} onClose={onClose} />;
  const effective = preview ? effectiveOf(preview, words.from) : 0;
  const asked = preview && needsTyping(kind, preview) ? String(preview.count.value) : undefined;
  const start = async (): Promise<void> => {
    const { operation } = await post<OperationAnswer>('operations', {
      ...{ kind, filter },
      ...(perSecond !== '' && { perSecond: readRate(perSecond) }),
    });
    learnOperation(operation);
    setId(operation.id);
  };
  return (
    <Dialog
      title={words.title}
      onClose={onClose}
      action={{
        label: preview
          ? `${words.button} ${bounded(preview.count.value, preview.count.isAtLeast)}`
          : words.button,
        isDangerous: kind === 'delete' || kind === 'cancel' || kind === 'cancelFlow',
        denied: deniedBy(preview, effective, asked, typed),
        run: start,
        staysOpen: true,
      }}
    >
      <p>{words.does}</p>
      {problem && <ProblemNote problem={problem.problem} />}
      {!preview && !problem && <Loading rows={3} />}
      {preview && <Preview preview={preview} />}
      {kind === 'redrive' && (
        <TextField
          type="number"
          label="How many become due in a second"
          placeholder="all at once"
          value={perSecond}
          hint="Each is given a time of its own, so the rate holds when this server ends"
          onInput={setPerSecond}
        />
      )}
      {filter.all && <Note kind="warns">No filter is set: this is for every job there is.</Note>}
      {asked !== undefined && (
        <label class="field">
          <span>
            Type <kbd>{asked}</kbd> to go on
          </span>
          <input
            value={typed}
            inputMode="numeric"
            autocomplete="off"
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        </label>
      )}
    </Dialog>
  );
}

function readRate(text: string): number {
  const rate = Number(text);
  if (rate > 0) return rate;
  throw new Error('Give how many become due in a second, or leave it empty.');
}

function deniedBy(
  preview: PreviewAnswer | undefined,
  effective: number,
  asked: string | undefined,
  typed: string,
): string | undefined {
  if (!preview) return 'The jobs are being counted.';
  if (preview.count.value === 0) return 'No job matches.';
  if (effective === 0 && !preview.count.isAtLeast)
    return 'None of these jobs is in a state where that is possible.';
  return asked !== undefined && typed.trim() !== asked ? 'Type the number first.' : undefined;
}

function needsTyping(kind: BulkKind, { count }: PreviewAnswer): boolean {
  return (
    count.value > 0 &&
    (count.isAtLeast || count.value >= TYPED_FROM || (kind === 'delete' && count.value > 1))
  );
}

function effectiveOf({ byStatus }: PreviewAnswer, from: readonly Status[]): number {
  return from.reduce((sum, status) => sum + (byStatus[status] ?? 0), 0);
}

function Preview({ preview }: { readonly preview: PreviewAnswer }) {
  const { count, byStatus, sample } = preview;
  return (
    <div class="stack tight">
      <p>
        <strong>
          {bounded(count.value, count.isAtLeast)}{' '}
          {count.value === 1 && !count.isAtLeast ? 'job matches' : 'jobs match'}
        </strong>
        {count.isAtLeast && '; counting stopped there'}
      </p>
      <div class="row">
        {Object.entries(byStatus).map(([status, found]) => (
          <span key={status} class="row tight">
            <State status={status as Status} /> {number(found)}
          </span>
        ))}
      </div>
      {sample.length > 0 && (
        <p class="hint anywhere">
          Such as{' '}
          {sample
            .slice(0, 3)
            .map((job) => `${job.name} ${job.id}`)
            .join(', ')}
        </p>
      )}
    </div>
  );
}

/** What a bulk action or an audit does now, and did. */
function OperationDialog({ id, onClose }: { readonly id: string; onClose(): void }) {
  const operation = useOperation(id);
  return (
    <Dialog title={operation ? titleOf(operation) : 'Under way'} onClose={onClose}>
      {operation ? <OperationView operation={operation} /> : <Loading rows={2} />}
    </Dialog>
  );
}

export function titleOf({ kind, state }: Operation): string {
  const what = {
    retry: 'Retry',
    cancel: 'Cancel',
    delete: 'Delete',
    audit: 'Audit',
    repair: 'Repair',
    redrive: 'Redrive dead letters',
    cancelFlow: 'Cancel a flow',
    redriveFlow: 'Redrive a flow',
  }[kind];
  return `${what}: ${{ running: 'under way', done: 'done', aborted: 'aborted', failed: 'failed' }[state]}`;
}

/** The operation, followed by the stream of the server, and by asking where that does not come. */
export function useOperation(id: string): Operation | undefined {
  const operation = operations.value.get(id);
  const isOver = operation !== undefined && operation.state !== 'running';
  useEffect(() => {
    if (isOver) return;
    const ask = (): void => {
      get<OperationAnswer>(`operations/${id}`).then(
        (answer) => learnOperation(answer.operation),
        complain,
      );
    };
    const timer = setInterval(ask, ASK_MS);
    return () => clearInterval(timer);
  }, [id, isOver]);
  return operation;
}

export function OperationView({ operation }: { readonly operation: Operation }) {
  const { state, matched, changed, left, problem, id, kind } = operation;
  const isAudit = kind === 'audit' || kind === 'repair';
  const abort = (): void => {
    call<OperationAnswer>('DELETE', apiUrl(`operations/${id}`)).then(
      (answer) => learnOperation(answer.operation),
      complain,
    );
  };
  return (
    <div class="stack tight">
      <p role="status">
        <Icon name={state === 'done' ? 'good' : state === 'running' ? 'clock' : 'warning'} />{' '}
        <strong>
          {isAudit
            ? `${plural(matched, 'job')} looked at, ${number(changed)} repaired`
            : `${number(changed)} of ${plural(matched, 'job')} changed`}
        </strong>
        {state === 'running' && ' so far'}
      </p>
      {state === 'running' && (
        <div class="row">
          <Button icon="stop" look="danger" onClick={abort}>
            Abort
          </Button>
          <span class="hint">What is done stays done. It also goes on when you close this.</span>
        </div>
      )}
      {matched > 0 && !isAudit && <Meter part={changed / matched} />}
      {left.length > 0 && (
        <>
          <p class="field-name">Left as they were</p>
          <ul>
            {left.map(({ reason, count }) => (
              <li key={reason}>
                {number(count)}: {reason}
              </li>
            ))}
          </ul>
        </>
      )}
      {problem && <ProblemNote problem={problem} />}
    </div>
  );
}
