import type {
  InvariantOfStep,
  StepAnswer,
  StepDetails,
  StepState,
} from '../../../src/api/types.ts';
import { apiUrl } from '../api/client.ts';
import { useResource } from '../api/resource.ts';
import { href } from '../app/router.ts';
import { Fact } from '../job/facts.tsx';
import { Given, Prose, RecordHistory, STEP_STATES, StepChip, Texts } from '../ledgers/words.tsx';
import { Empty } from '../ui/faces.tsx';
import { span } from '../ui/format.ts';
import { Icon } from '../ui/icon.tsx';
import { Card, Page } from '../ui/page.tsx';
import { Time } from '../ui/time.tsx';
import { UnreadPage } from '../ui/unread-page.tsx';

export function StepPage({ id = '' }: { readonly id?: string | undefined }) {
  return (
    <Given ledger="verification" title="Step" icon="verification">
      {() => <Step id={id} />}
    </Given>
  );
}

function Step({ id }: { readonly id: string }) {
  const url = apiUrl(`ledgers/verification/${encodeURIComponent(id)}`);
  const answer = useResource<StepAnswer>(url, { live: true });
  const { data, error } = answer;
  if (data && error?.problem.status !== 404) return <Found step={data.step} />;
  return (
    <UnreadPage title="Step" of={answer} icon="verification">
      <a href={href('verification')}>Show all steps</a>
    </UnreadPage>
  );
}

function Found({ step }: { readonly step: StepDetails }) {
  const { id, title, status, summary, concerns, stillNeeded, edgeCases, scope } = step;
  return (
    <Page
      title={title}
      heading={
        <span class="row">
          <Prose>{title}</Prose> <StepChip status={status} />
        </span>
      }
      sub={
        <>
          <a href={href('verification')}>Verification</a> · <span class="mono">{id}</span>
        </>
      }
    >
      <div class="columns">
        <div class="stack">
          <Card title="What must be so" isPadded={false}>
            {step.invariants.length === 0 ? (
              <Empty icon="verification" title="Nothing is said to be so">
                A step is completed when it has invariants, and a check for each.
              </Empty>
            ) : (
              <ul class="list">
                {step.invariants.map((invariant, index) => (
                  <Invariant key={index} invariant={invariant} />
                ))}
              </ul>
            )}
          </Card>
          <Texts title="Summary" items={summary} />
          <Texts title="Edge cases" items={edgeCases} />
          <Texts title="Concerns" items={concerns} />
          <Texts title="Still needed" items={stillNeeded} />
          {scope.map(({ name, items }) => (
            <Texts key={name} title={name} items={items} />
          ))}
        </div>
        <div class="stack">
          <Facts step={step} />
          <Verifications step={step} />
          <Card title="History">
            <RecordHistory
              entries={step.history}
              wordOf={(state) => STEP_STATES[state as StepState]?.word ?? state}
            />
          </Card>
        </div>
      </div>
    </Page>
  );
}

function outcomeOf({ check, result }: InvariantOfStep) {
  if (check === undefined) return { icon: 'info', look: 'sev-info', word: 'No check' } as const;
  if (result === undefined) return { icon: 'pending', look: 'sev-info', word: 'Not run' } as const;
  return result.passed
    ? ({ icon: 'completed', look: 'sev-good', word: 'Passed' } as const)
    : ({ icon: 'failed', look: 'sev-bad', word: 'Failed' } as const);
}

function Invariant({ invariant }: { readonly invariant: InvariantOfStep }) {
  const { text, check, result } = invariant;
  const { icon, look, word } = outcomeOf(invariant);
  return (
    <li class={`is-tall ${look}`}>
      <Icon name={icon} label={word} />
      <div class="grow stack tight">
        <Prose>{text}</Prose>
        {check !== undefined && <code class="anywhere">{check}</code>}
        <div class="hint">
          {word}
          {result && (
            <>
              {' '}
              <Time at={result.at} as="past" /> in {span(result.durationMs)}, {result.run}
              {result.exitCode !== undefined && <>, exit code {result.exitCode}</>}
              {result.fault !== undefined && <>: {result.fault}</>}
            </>
          )}
        </div>
        {result?.output !== undefined && (
          <details open={!result.passed}>
            <summary>What it printed</summary>
            <pre class="value" tabIndex={0} role="region" aria-label={`Output of ${check}`}>
              {result.output}
            </pre>
          </details>
        )}
      </div>
    </li>
  );
}

function Facts({ step: { run, completedAt, updatedAt } }: { readonly step: StepDetails }) {
  return (
    <Card title="Work">
      <dl class="facts">
        <Fact name="Run">{run ?? <span class="quiet">none yet</span>}</Fact>
        <Fact name="Completed">
          {completedAt ? <Time at={completedAt} as="both" /> : <span class="quiet">not yet</span>}
        </Fact>
        {updatedAt && (
          <Fact name="Changed">
            <Time at={updatedAt} as="both" />
          </Fact>
        )}
      </dl>
    </Card>
  );
}

function Verifications({ step: { verifications } }: { readonly step: StepDetails }) {
  return (
    <Card title="Verifications">
      {verifications.length === 0 ? (
        <p class="quiet">A run after the one that completes it verifies it.</p>
      ) : (
        <ol class="timeline">
          {verifications.toReversed().map(({ outcome, at, run, notes }, index) => (
            <li key={index}>
              <Icon
                name={outcome === 'drift' ? 'failed' : 'completed'}
                class={outcome === 'drift' ? 'failed' : 'completed'}
              />
              <div>
                <div class="row spread">
                  <strong>{outcome === 'drift' ? 'Drift found' : 'Verified'}</strong>
                  <small>
                    <Time at={at} as="past" />
                  </small>
                </div>
                <small>
                  {run}
                  {notes !== undefined && <> · {notes}</>}
                </small>
              </div>
            </li>
          ))}
        </ol>
      )}
    </Card>
  );
}
