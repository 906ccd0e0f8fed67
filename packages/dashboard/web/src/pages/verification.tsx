import type { StepState, StepSummary, StepsAnswer } from '../../../src/api/types.ts';
import { apiUrl } from '../api/client.ts';
import { useResource } from '../api/resource.ts';
import { href, params } from '../app/router.ts';
import { Given, Prose, STEP_STATES, StepChip } from '../ledgers/words.tsx';
import { Empty, Note, Shown } from '../ui/faces.tsx';
import { number, plural } from '../ui/format.ts';
import { Icon } from '../ui/icon.tsx';
import { Page } from '../ui/page.tsx';
import { type Column, Table } from '../ui/table.tsx';
import { Time } from '../ui/time.tsx';

const STATES = Object.keys(STEP_STATES) as StepState[];

export function Verification() {
  return (
    <Given ledger="verification" title="Verification" icon="verification">
      {() => <Steps />}
    </Given>
  );
}

function Steps() {
  const status = params.value.get('status') ?? undefined;
  const after = params.value.get('after') ?? undefined;
  const steps = useResource<StepsAnswer>(apiUrl('ledgers/verification', { status, after }), {
    live: true,
  });
  return (
    <Page
      title="Verification"
      sub="What was done, and whether what must be so since then still is. Checks are run by the ledger, not by this page."
    >
      {steps.data && <Summary counts={steps.data.counts} status={status} />}
      <section class="card">
        <Shown of={steps}>{(answer) => <StepTable answer={answer} isNarrowed={!!status} />}</Shown>
      </section>
    </Page>
  );
}

interface SummaryProps {
  readonly counts: StepsAnswer['counts'];
  readonly status: string | undefined;
}

function Summary({ counts, status }: SummaryProps) {
  const total = STATES.reduce((sum, state) => sum + counts[state], 0);
  const { drift_detected: drifted, completed_pending_verification: waiting } = counts;
  const isDrift = drifted > 0;
  return (
    <>
      {isDrift && (
        <Note kind="fails">
          <strong>{drifted === 1 ? '1 step has' : `${number(drifted)} steps have`} drifted</strong>:
          a check of what must be so failed. No other step can be started before that is fixed and
          verified.
        </Note>
      )}
      {!isDrift && waiting > 0 && (
        <Note kind="warns">
          {waiting === 1 ? '1 step waits' : `${number(waiting)} steps wait`} to be verified by a
          later run. No other step can be started before.
        </Note>
      )}
      <nav class="figures" aria-label="Steps by state">
        <Figure label="All steps" count={total} isChosen={status === undefined} />
        {STATES.map((state) => (
          <Figure
            key={state}
            state={state}
            label={STEP_STATES[state].word}
            count={counts[state]}
            isChosen={status === state}
          />
        ))}
      </nav>
    </>
  );
}

interface FigureProps {
  readonly label: string;
  readonly count: number;
  readonly isChosen: boolean;
  readonly state?: StepState;
}

function Figure({ label, count, isChosen, state }: FigureProps) {
  return (
    <a
      class="figure"
      href={href('verification', { status: state })}
      {...(isChosen && { 'aria-current': 'true' })}
    >
      <b>{number(count)}</b>
      <span>
        {state && <Icon name={STEP_STATES[state].icon} />}
        {label}
      </span>
    </a>
  );
}

interface StepTableProps {
  readonly answer: StepsAnswer;
  readonly isNarrowed: boolean;
}

function StepTable({ answer: { steps, nextAfter, isCut }, isNarrowed }: StepTableProps) {
  if (steps.length === 0) {
    return isNarrowed ? (
      <Empty
        icon="verification"
        title={`No ${params.value.has('after') ? 'further ' : ''}step is in this state`}
      />
    ) : (
      <Empty icon="verification" title="The ledger has no steps yet">
        A step is added by the ledger, or with `monque ledger`.
      </Empty>
    );
  }
  return (
    <>
      {isCut && <Note>The ledger has more steps than the 10,000 that are looked at.</Note>}
      <Table label="Steps" columns={COLUMNS} rows={steps} rowKey={({ id }) => id} />
      {nextAfter !== null && (
        <div class="card-body">
          <a
            class="button"
            href={href('verification', {
              status: params.value.get('status') ?? undefined,
              after: nextAfter,
            })}
          >
            Next page
          </a>
        </div>
      )}
    </>
  );
}

const COLUMNS: readonly Column<StepSummary>[] = [
  {
    ...{ head: 'Step', leads: true, class: 'fill' },
    cell: ({ id, title }) => (
      <div class="anywhere">
        <a href={href(`verification/${encodeURIComponent(id)}`)}>
          <strong>
            <Prose>{title}</Prose>
          </strong>
        </a>
        <div class="sub mono">{id}</div>
      </div>
    ),
  },
  { head: 'State', cell: ({ status }) => <StepChip status={status} /> },
  { head: 'Checks', cell: ({ checks }) => <Checks checks={checks} /> },
  {
    head: 'Last verification',
    class: 'num',
    cell: ({ verification }) =>
      verification && (
        <span class="nowrap">
          {verification.outcome === 'drift' && 'failed '}
          <Time at={verification.at} as="past" />
          <div class="sub nowrap">{verification.run}</div>
        </span>
      ),
  },
  {
    head: 'Completed',
    class: 'num',
    cell: ({ completedAt, run }) =>
      completedAt && (
        <span>
          <Time at={completedAt} as="past" />
          {run !== undefined && <div class="sub nowrap">{run}</div>}
        </span>
      ),
  },
];

function Checks({ checks }: { readonly checks: StepSummary['checks'] }) {
  const { passed, failed, notRun, without } = checks;
  const total = passed + failed + notRun + without;
  if (total === 0) return <span class="quiet">none</span>;
  const rest = [
    ...(notRun > 0 ? [`${number(notRun)} not run`] : []),
    ...(without > 0 ? [`${number(without)} without a check`] : []),
  ];
  return (
    <div>
      {failed > 0 ? (
        <span class="state failed">
          <Icon name="failed" />
          {number(failed)} of {plural(total, 'check')} failed
        </span>
      ) : (
        passed > 0 && (
          <span class="nowrap">
            {number(passed)} of {number(total)} passed
          </span>
        )
      )}
      {rest.length > 0 && <div class="sub">{rest.join(', ')}</div>}
    </div>
  );
}
