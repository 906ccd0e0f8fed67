import { useSignal } from '@preact/signals';
import type {
  AuditResult,
  OperationAnswer,
  OperationsAnswer,
  RulesAnswer,
} from '../../../src/api/types.ts';
import { apiUrl, post } from '../api/client.ts';
import { learnOperation } from '../api/live.ts';
import { useResource } from '../api/resource.ts';
import { denied } from '../app/capabilities.ts';
import { href } from '../app/router.ts';
import { OperationView, useOperation } from '../dialogs/bulk.tsx';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Empty, Note, Shown } from '../ui/faces.tsx';
import { number } from '../ui/format.ts';
import { Icon } from '../ui/icon.tsx';
import { Card, Page } from '../ui/page.tsx';
import { State } from '../ui/state.tsx';
import { type Column, Table } from '../ui/table.tsx';
import { complain } from '../ui/toast.tsx';

type Finding = AuditResult['findings'][number];

export function Rules() {
  const rules = useResource<RulesAnswer>(apiUrl('rules'), { live: true });
  const before = useResource<OperationsAnswer>(apiUrl('operations'));
  const begun = useSignal<string | undefined>(undefined);
  const isAsking = useSignal(false);
  const last = before.data?.operations.find(({ kind }) => kind === 'audit' || kind === 'repair');
  const id = begun.value ?? last?.id;
  const start = async (kind: 'audit' | 'repair'): Promise<void> => {
    const { operation } = await post<OperationAnswer>('operations', { kind });
    learnOperation(operation);
    begun.value = operation.id;
  };
  return (
    <Page
      title="Rules and audit"
      sub="The ledger checks what it writes by rules. An audit looks at every stored job with the same rules; it reads all of them, in bounded batches."
      actions={
        <>
          <Button
            icon="rules"
            denied={denied('audit')}
            onClick={() => void start('audit').catch(complain)}
          >
            Audit all jobs
          </Button>
          <Button
            icon="settings"
            look="danger"
            denied={denied('repair')}
            onClick={() => {
              isAsking.value = true;
            }}
          >
            Audit and repair
          </Button>
        </>
      }
    >
      {id !== undefined && <Audit key={id} id={id} />}
      <Card
        title="Rules that were broken"
        aside={<span class="quiet">in the process that serves this page</span>}
        isPadded={false}
      >
        <Shown of={rules} rows={3}>
          {(answer) => {
            const broken = answer.rules.filter(({ violations }) => violations > 0);
            return broken.length === 0 ? (
              <Empty icon="completed" title="No write broke a rule" />
            ) : (
              <Table
                label="Rules"
                columns={RULE_COLUMNS}
                rows={broken}
                rowKey={({ rule }) => rule}
              />
            );
          }}
        </Shown>
      </Card>
      {isAsking.value && (
        <Dialog
          title="Audit and repair"
          onClose={() => {
            isAsking.value = false;
          }}
          action={{
            label: 'Repair what can be repaired',
            isDangerous: true,
            run: () => start('repair'),
          }}
        >
          <p>
            Every stored job is looked at, and fields that break a rule are set right where that is
            possible. The state of a job is never changed. Run an audit alone first: it says what
            would be found.
          </p>
        </Dialog>
      )}
    </Page>
  );
}

const RULE_COLUMNS: readonly Column<RulesAnswer['rules'][number]>[] = [
  { head: 'Rule', leads: true, class: 'fill', cell: ({ rule }) => <strong>{rule}</strong> },
  { head: 'Writes', class: 'num', cell: ({ violations }) => number(violations) },
];

const FINDING_COLUMNS: readonly Column<Finding>[] = [
  {
    ...{ head: 'Job', leads: true },
    cell: ({ jobId, name }) => (
      <a class="nowrap" href={href(`jobs/${jobId}`)}>
        <strong>{name}</strong>
      </a>
    ),
  },
  { head: 'State', cell: ({ status }) => <State status={status} /> },
  { head: 'Rule', cell: ({ rule }) => rule },
  {
    ...{ head: 'What is wrong', class: 'fill' },
    cell: ({ message, advice }) => (
      <div class="anywhere">
        {message}
        {advice && <div class="sub">{advice}</div>}
      </div>
    ),
  },
  {
    head: 'Repaired',
    cell: ({ isRepaired }) =>
      isRepaired ? (
        <span class="state completed">
          <Icon name="completed" />
          yes
        </span>
      ) : (
        'no'
      ),
  },
];

function Audit({ id }: { readonly id: string }) {
  const operation = useOperation(id);
  if (!operation) return null;
  const { audit } = operation;
  return (
    <Card title={operation.kind === 'repair' ? 'Audit with repair' : 'Audit'} isPadded={false}>
      <div class="card-body">
        <OperationView operation={operation} />
      </div>
      {audit && audit.findings.length === 0 && operation.state === 'done' && (
        <Empty icon="completed" title="Every job fits the rules" />
      )}
      {audit && audit.findings.length > 0 && (
        <>
          {audit.findings.length >= 200 && <Note>The first 200 findings are shown.</Note>}
          <Table
            label="Findings"
            columns={FINDING_COLUMNS}
            rows={audit.findings}
            rowKey={(finding) => `${finding.jobId} ${finding.rule}`}
          />
        </>
      )}
    </Card>
  );
}
