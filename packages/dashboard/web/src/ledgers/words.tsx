import type { ComponentChildren } from 'preact';
import type {
  HistoryEntryOfRecord,
  StepState,
  TaskState,
  TaskUrgency,
} from '../../../src/api/types.ts';
import { capabilities } from '../app/capabilities.ts';
import { Empty } from '../ui/faces.tsx';
import { Icon, type IconName } from '../ui/icon.tsx';
import { Card, Page } from '../ui/page.tsx';
import { Time } from '../ui/time.tsx';

/** A state in words, and which of the states of jobs it looks like. */
interface Look {
  readonly word: string;
  readonly look: 'pending' | 'processing' | 'blocked' | 'completed' | 'failed';
  readonly icon: IconName;
}

export const STEP_STATES: Readonly<Record<StepState, Look>> = {
  drift_detected: { word: 'Drifted', look: 'failed', icon: 'warning' },
  completed_pending_verification: { word: 'To verify', look: 'blocked', icon: 'clock' },
  in_progress: { word: 'In progress', look: 'processing', icon: 'processing' },
  not_started: { word: 'Not started', look: 'pending', icon: 'pending' },
  verified: { word: 'Verified', look: 'completed', icon: 'completed' },
};

export const TASK_STATES: Readonly<Record<TaskState, Look>> = {
  defined: { word: 'Defined', look: 'pending', icon: 'jobs' },
  assigned: { word: 'Assigned', look: 'pending', icon: 'user' },
  in_progress: { word: 'In progress', look: 'processing', icon: 'processing' },
  peer_review: { word: 'In review', look: 'blocked', icon: 'search' },
  revisions: { word: 'Revisions', look: 'blocked', icon: 'retry' },
  blocked: { word: 'Blocked', look: 'failed', icon: 'blocked' },
  completed: { word: 'Completed', look: 'completed', icon: 'completed' },
};

const URGENCIES: Readonly<Record<TaskUrgency, string>> = {
  critical: 'failed',
  high: 'blocked',
  normal: 'pending',
};

function Chip({ of: { word, look, icon } }: { readonly of: Look }) {
  return (
    <span class={`state ${look}`}>
      <Icon name={icon} />
      {word}
    </span>
  );
}

export function StepChip({ status }: { readonly status: StepState }) {
  return <Chip of={STEP_STATES[status]} />;
}

export function TaskChip({ status }: { readonly status: TaskState }) {
  return <Chip of={TASK_STATES[status]} />;
}

/** How urgent a task is; of a normal one nothing is said on the board. */
export function Urgency({ priority }: { readonly priority: TaskUrgency }) {
  return <span class={`state plain ${URGENCIES[priority]}`}>{priority}</span>;
}

/** A text as it was written, with what stands between backticks as code. */
export function Prose({ children }: { readonly children: string }) {
  const parts = children.split(/`([^`\n]+)`/);
  return (
    <span class="prose">
      {parts.map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part))}
    </span>
  );
}

interface TextsProps {
  readonly title: string;
  readonly items: readonly string[];
}

/** A list of texts under a title; nothing where there are none. */
export function Texts({ title, items }: TextsProps) {
  if (items.length === 0) return null;
  return (
    <Card title={title}>
      <ul class="points">
        {items.map((item, index) => (
          <li key={index}>
            <Prose>{item}</Prose>
          </li>
        ))}
      </ul>
    </Card>
  );
}

/** `requestRevisions` as `request revisions`. */
function inWords(verb: string): string {
  return verb.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

interface HistoryProps {
  readonly entries: readonly HistoryEntryOfRecord[];
  wordOf(state: string): string;
}

/** What happened to a record, the newest first. */
export function RecordHistory({ entries, wordOf }: HistoryProps) {
  if (entries.length === 0) return <p class="quiet">Nothing is on record.</p>;
  return (
    <ol class="timeline">
      {entries.toReversed().map(({ verb, at, from, to, actor, run, reason }, index) => (
        <li key={index}>
          <Icon name={to === undefined ? 'info' : 'right'} />
          <div>
            <div class="row spread">
              <span>
                <strong>{inWords(verb)}</strong>
                {to !== undefined && to !== from && <>: {wordOf(to)}</>}
              </span>
              <small>
                <Time at={at} as="past" />
              </small>
            </div>
            {(actor !== undefined || run !== undefined) && (
              <small>{[actor, run].filter((part) => part !== undefined).join(', ')}</small>
            )}
            {reason !== undefined && <p class="why">{reason}</p>}
          </div>
        </li>
      ))}
    </ol>
  );
}

interface GivenProps {
  readonly ledger: 'verification' | 'coordination';
  readonly title: string;
  readonly icon: IconName;
  readonly children: () => ComponentChildren;
}

/** The page of a ledger, where the dashboard was given one and the viewer may see it. */
export function Given({ ledger, title, icon, children }: GivenProps) {
  const known = capabilities.value;
  if (known === undefined || known.features.includes(ledger)) return children();
  return (
    <Page title={title}>
      <section class="card">
        <Empty icon={icon} title={`There is no ${ledger} ledger to show`}>
          {known.allNames
            ? `Hand one to the dashboard: createDashboard({ monque, actor, ledgers: { ${ledger} } }).`
            : 'Ledgers are shown to who may see jobs of all names.'}
        </Empty>
      </section>
    </Page>
  );
}
