import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { JobDetails, RawJobAnswer } from '../../../src/api/types.ts';
import { apiUrl } from '../api/client.ts';
import { useResource } from '../api/resource.ts';
import { denied } from '../app/capabilities.ts';
import { Button } from '../ui/button.tsx';
import { Shown } from '../ui/faces.tsx';
import { partOf } from '../ui/job-cells.tsx';
import { Card } from '../ui/page.tsx';
import { Meter } from '../ui/parts.tsx';
import { Value } from '../ui/value.tsx';
import type { ActionsProps } from './actions.ts';

export function Progress({ job }: { readonly job: JobDetails }) {
  const { progress } = job;
  if (progress === undefined) return null;
  const part = partOf(progress);
  return (
    <Card title="Progress">
      <div class="stack tight">
        {part !== undefined && (
          <div>
            <strong>{Math.round(part * 100)} %</strong>{' '}
            {typeof progress === 'object' && (
              <span class="hint mono">{JSON.stringify(progress)}</span>
            )}
            <Meter part={part} />
          </div>
        )}
        {part === undefined && <Value value={progress} label="Progress" />}
      </div>
    </Card>
  );
}

export function Content({ job }: Pick<ActionsProps, 'job'>) {
  const { status, data, result, logs, failReason, stages, gates } = job;
  return (
    <>
      {failReason !== undefined && status !== 'failed' && (
        <Card title="Last failure">
          <pre class="value" tabIndex={0}>
            {failReason}
          </pre>
        </Card>
      )}
      {logs !== undefined && logs.length > 0 && (
        <Card title="Log" aside={<span class="quiet">the newest 100 lines</span>}>
          <Log lines={logs} />
        </Card>
      )}
      {result !== undefined && (
        <Card title="Result">
          <Value value={result} label="Result" />
        </Card>
      )}
      <Card title="Data">
        {data === undefined ? (
          <p class="quiet">It has none.</p>
        ) : (
          <Value value={data} label="Data" />
        )}
      </Card>
      {stages?.map((stage) => (
        <Card key={stage.name} title={`Stage ${stage.name}`}>
          {stage.result === undefined ? (
            <p class="quiet">
              It returned nothing, or it was the last: then this is the result of the job.
            </p>
          ) : (
            <Value value={stage.result} label={`Result of ${stage.name}`} />
          )}
        </Card>
      ))}
      {gates?.map((gate) => (
        <Card
          key={gate.name}
          title={`Evidence for the gate ${gate.name}`}
          aside={gate.by && <span class="quiet">opened by {gate.by}</span>}
        >
          <Value value={gate.evidence} label={`Evidence for ${gate.name}`} />
        </Card>
      ))}
    </>
  );
}

export function Metadata({ job, open }: Pick<ActionsProps, 'job' | 'open'>) {
  const { metadata } = job;
  return (
    <Card
      title="Metadata"
      aside={
        <Button
          look="bare"
          denied={denied('setMetadata', job.name)}
          onClick={() => open('metadata')}
        >
          Change
        </Button>
      }
    >
      {metadata === undefined ? (
        <p class="quiet">It has none.</p>
      ) : (
        <Value value={metadata} label="Metadata" />
      )}
    </Card>
  );
}

/** The newest lines stand at the end, and that is what is seen. */
function Log({ lines }: { readonly lines: readonly string[] }) {
  const place = useRef<HTMLPreElement>(null);
  const isAtEnd = useRef(true);
  useLayoutEffect(() => {
    const { current } = place;
    if (current && isAtEnd.current) current.scrollTop = current.scrollHeight;
  }, [lines.at(-1), lines.length]);
  const onScroll = (event: Event): void => {
    const { scrollTop, scrollHeight, clientHeight } = event.currentTarget as HTMLElement;
    isAtEnd.current = scrollTop + clientHeight >= scrollHeight - 4;
  };
  return (
    <pre
      ref={place}
      class="value is-log"
      tabIndex={0}
      role="region"
      aria-label="Log"
      onScroll={onScroll}
    >
      {lines.join('\n')}
    </pre>
  );
}

/** The document as it is stored; read when somebody opens it. */
export function Raw({ id }: { readonly id: string }) {
  const [isOpen, setOpen] = useState(false);
  const raw = useResource<RawJobAnswer>(isOpen ? apiUrl(`jobs/${id}/raw`) : undefined);
  return (
    <details class="card" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>The document as it is stored</summary>
      <div class="card-body">
        {isOpen && (
          <Shown of={raw}>
            {(answer) => <Value value={answer.document} label="The document" />}
          </Shown>
        )}
      </div>
    </details>
  );
}
