import type { Action, HealthAnswer } from '../../../src/api/types.ts';
import { apiUrl } from '../api/client.ts';
import { useResource } from '../api/resource.ts';
import { capabilities, denied } from '../app/capabilities.ts';
import { shortcuts, theme, zone } from '../app/preferences.ts';
import { serverUrl } from '../app/router.ts';
import { Fact } from '../job/facts.tsx';
import { Shown } from '../ui/faces.tsx';
import { Field } from '../ui/fields.tsx';
import { number, span } from '../ui/format.ts';
import { Icon } from '../ui/icon.tsx';
import { Card, Page } from '../ui/page.tsx';
import { Time } from '../ui/time.tsx';

const ACTIONS: readonly Action[] = [
  ...(['see', 'enqueue', 'cancel', 'retry', 'reschedule', 'delete'] as const),
  ...(['openGate', 'setMetadata', 'schedule', 'unschedule', 'pause', 'audit', 'repair'] as const),
  ...(['setLimit', 'setGroup'] as const),
];

const LABELS: Readonly<Record<Action, string>> = {
  see: 'See jobs',
  enqueue: 'Enqueue jobs',
  cancel: 'Cancel jobs',
  retry: 'Retry jobs',
  reschedule: 'Move jobs',
  delete: 'Delete jobs',
  openGate: 'Open gates',
  setMetadata: 'Change metadata',
  schedule: 'Change series',
  unschedule: 'End series',
  pause: 'Pause and resume names',
  audit: 'Run audits',
  repair: 'Repair jobs',
  setLimit: 'Set limits',
  setGroup: 'Change and pause groups',
};

export function Settings() {
  return (
    <Page title="Settings">
      <div class="halves">
        <div class="stack">
          <Look />
          <Server />
        </div>
        <div class="stack">
          <Rights />
          <Card title="The HTTP API">
            <p class="quiet">
              All that these pages show and do goes by the HTTP API.{' '}
              <a href={serverUrl('api/v1/openapi.json')} target="_blank" rel="noreferrer">
                Its description
              </a>{' '}
              is an OpenAPI document;{' '}
              <a href={serverUrl('api/v1/metrics.prom')} target="_blank" rel="noreferrer">
                the metrics
              </a>{' '}
              are there as Prometheus reads them.
            </p>
          </Card>
        </div>
      </div>
    </Page>
  );
}

function Look() {
  return (
    <Card title="This browser">
      <div class="stack">
        <Field label="Theme">
          {(ties) => (
            <select
              {...ties}
              value={theme.value}
              onChange={(event) => {
                theme.value = event.currentTarget.value as typeof theme.value;
              }}
            >
              <option value="system">As the system</option>
              <option value="light">Light</option>
              <option value="dark">Dark</option>
            </select>
          )}
        </Field>
        <Field label="Times are shown">
          {(ties) => (
            <select
              {...ties}
              value={zone.value}
              onChange={(event) => {
                zone.value = event.currentTarget.value as typeof zone.value;
              }}
            >
              <option value="local">in the zone of this browser</option>
              <option value="utc">in UTC</option>
            </select>
          )}
        </Field>
        <label class="check">
          <input
            type="checkbox"
            checked={shortcuts.value === 'on'}
            onChange={(event) => {
              shortcuts.value = event.currentTarget.checked ? 'on' : 'off';
            }}
          />
          Single keys do something; <kbd>?</kbd> shows which
        </label>
      </div>
    </Card>
  );
}

function Rights() {
  const known = capabilities.value;
  return (
    <Card title="What you may do">
      <div class="stack tight">
        <p>
          You are <strong>{known?.actor ?? '…'}</strong>
          {known?.readOnly && ', and this dashboard is read-only for you'}
          {known && !known.allNames && ', and see jobs of some names only'}.
        </p>
        <ul class="stack tight">
          {ACTIONS.map((action) => {
            const isAllowed = denied(action) === undefined;
            return (
              <li key={action} class={isAllowed ? 'sev-good' : 'sev-info quiet'}>
                <Icon
                  name={isAllowed ? 'good' : 'close'}
                  label={isAllowed ? 'Allowed' : 'Not allowed'}
                />{' '}
                {LABELS[action]}
              </li>
            );
          })}
        </ul>
      </div>
    </Card>
  );
}

function Server() {
  const health = useResource<HealthAnswer>(apiUrl('health'), { live: true });
  return (
    <Card title="The process that serves this page">
      <Shown of={health} rows={5}>
        {(answer) => (
          <dl class="facts">
            <Fact name="It is">{answer.status === 'ok' ? 'well' : 'degraded'}</Fact>
            <Fact name="Runs jobs">{answer.running ? 'yes' : 'no: it was not started'}</Fact>
            <Fact name="Database">{answer.connected ? 'answers' : 'does not answer'}</Fact>
            <Fact name="Hints">
              {answer.hints === 'flowing'
                ? 'flow: new jobs start at once'
                : 'do not flow: new jobs are found by polling'}
            </Fact>
            <Fact name="Lag">{span(answer.queueLagMs)}</Fact>
            <Fact name="Running jobs">{number(answer.runningJobs)}</Fact>
            <Fact name="Claimed ahead">{number(answer.bufferedJobs)}</Fact>
            <Fact name="Not recorded yet">{number(answer.unsettledJobs)}</Fact>
            {answer.lastClaimAt && (
              <Fact name="Last claim">
                <Time at={answer.lastClaimAt} />
              </Fact>
            )}
            {answer.alerts.length > 0 && <Fact name="Alerts">{answer.alerts.join(', ')}</Fact>}
            {answer.lastError && (
              <Fact name="Last error">
                {answer.lastError.message}{' '}
                <span class="quiet">
                  {answer.lastError.code}, <Time at={answer.lastError.at} />
                </span>
              </Fact>
            )}
            <Fact name="Version of these pages">{capabilities.value?.version ?? '…'}</Fact>
          </dl>
        )}
      </Shown>
    </Card>
  );
}
