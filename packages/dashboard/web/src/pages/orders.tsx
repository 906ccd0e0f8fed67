import { useState } from 'preact/hooks';
import type { JobAnswer, JobSummary, OrderRow, OrdersAnswer } from '../../../src/api/types.ts';
import { apiUrl, get, post } from '../api/client.ts';
import { useResource } from '../api/resource.ts';
import { denied } from '../app/capabilities.ts';
import { href, params, setParams } from '../app/router.ts';
import { DeleteDialog } from '../dialogs/job-actions.tsx';
import { Button } from '../ui/button.tsx';
import { Empty, Note, Shown } from '../ui/faces.tsx';
import { bounded, plural } from '../ui/format.ts';
import { Icon } from '../ui/icon.tsx';
import { KeyPager } from '../ui/key-pager.tsx';
import { Page } from '../ui/page.tsx';
import { State } from '../ui/state.tsx';
import { type Column, Table } from '../ui/table.tsx';
import { attempt, complain } from '../ui/toast.tsx';
import { knownNames } from './jobs-query.ts';

export function Orders() {
  const search = params.value;
  const name = search.get('name') ?? undefined;
  const halted = search.get('halted') ?? undefined;
  const orders = useResource<OrdersAnswer>(
    apiUrl('orders', { name, halted, after: search.get('after') ?? undefined, limit: 50 }),
    { live: true },
  );
  const [doomed, setDoomed] = useState<JobSummary>();
  const reload = (): void => void orders.reload();
  return (
    <Page
      title="Orders"
      sub="Jobs with one key run one after the other. A job that has failed can hold up all behind it."
    >
      <div class="row">
        <select
          aria-label="Orders of"
          value={name ?? ''}
          onChange={(event) => setParams({ name: event.currentTarget.value, after: undefined })}
        >
          <option value="">all names</option>
          {[...new Set([...knownNames(), ...(name ? [name] : [])])].map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
        <label class="check">
          <input
            type="checkbox"
            checked={halted === 'true'}
            onChange={(event) =>
              setParams({
                halted: event.currentTarget.checked ? 'true' : undefined,
                after: undefined,
              })
            }
          />
          Only those halted
        </label>
      </div>
      <section class="card">
        <Shown of={orders} rows={6}>
          {(answer) => (
            <OrderList
              answer={answer}
              isOfAll={name === undefined}
              reload={reload}
              remove={setDoomed}
            />
          )}
        </Shown>
      </section>
      {doomed && <DeleteDialog job={doomed} onClose={() => setDoomed(undefined)} onDone={reload} />}
    </Page>
  );
}

interface ListProps {
  readonly answer: OrdersAnswer;
  readonly isOfAll: boolean;
  reload(): void;
  remove(job: JobSummary): void;
}

function OrderList({ answer, isOfAll, reload, remove }: ListProps) {
  const { orders, next, isComplete, namesExamined } = answer;
  const cut =
    !isComplete && next === null ? (
      <Note>
        {namesExamined === undefined
          ? 'There are more orders, which are not shown.'
          : `Of ${plural(namesExamined, 'name')} the first 20 orders each were looked at. Choose a name to see all of it.`}
      </Note>
    ) : null;
  if (orders.length === 0 && !params.value.has('after')) {
    return (
      <>
        {cut}
        <Empty
          icon="orders"
          title={params.value.has('halted') ? 'No order is halted' : 'No order is on'}
        >
          An order is on from the start of one of its jobs until that job is finished. A job joins
          one by its option order.
        </Empty>
      </>
    );
  }
  return (
    <>
      {cut}
      <Table
        label="Orders"
        columns={columns(isOfAll, reload, remove)}
        rows={orders}
        rowKey={(row) => `${row.name} ${row.jobId}`}
      />
      <KeyPager label="the orders" next={next} />
    </>
  );
}

function columns(
  isOfAll: boolean,
  reload: ListProps['reload'],
  remove: ListProps['remove'],
): readonly Column<OrderRow>[] {
  return [
    {
      ...{ head: 'Order', leads: true, class: 'fill' },
      cell: ({ name, order }) => (
        <div class="cut">
          <a href={href('jobs', { name, order })}>
            <strong>{order}</strong>
          </a>
          {isOfAll && <div class="sub cut">{name}</div>}
        </div>
      ),
    },
    {
      head: 'State',
      cell: ({ isHalted }) => (
        <span class={`state ${isHalted ? 'failed' : 'completed'}`}>
          <Icon name={isHalted ? 'stop' : 'play'} />
          {isHalted ? 'halted' : 'goes on'}
        </span>
      ),
    },
    {
      head: 'First is',
      cell: ({ jobId, status }) => (
        <span class="row tight">
          <State status={status} />
          <a class="mono" href={href(`jobs/${jobId}`)}>
            {jobId}
          </a>
        </span>
      ),
    },
    {
      ...{ head: 'Pending', class: 'num' },
      cell: ({ waiting }) => bounded(waiting.value, waiting.isAtLeast),
    },
    {
      ...{ head: 'Go on', isUnseen: true, class: 'num' },
      cell: (row) => row.isHalted && <GoOn row={row} reload={reload} remove={remove} />,
    },
  ];
}

interface GoOnProps {
  readonly row: OrderRow;
  reload(): void;
  remove(job: JobSummary): void;
}

/** What lets an order go on that a failed job holds up. */
function GoOn({ row: { name, order, jobId }, reload, remove }: GoOnProps) {
  const words = ` the failed job of ${order}`;
  return (
    <span class="row tight end">
      <Button
        icon="retry"
        look="main"
        denied={denied('retry', name)}
        onClick={() =>
          void attempt(`${order} goes on with its failed job`, async () => {
            await post(`jobs/${jobId}/actions/retry`);
            reload();
          })
        }
      >
        Retry
        <span class="unseen">{words}</span>
      </Button>
      <Button
        icon="remove"
        look="danger"
        denied={denied('delete', name)}
        onClick={() => {
          get<JobAnswer>(`jobs/${jobId}`).then(({ job }) => remove(job), complain);
        }}
      >
        Delete
        <span class="unseen">{words}</span>
      </Button>
    </span>
  );
}
