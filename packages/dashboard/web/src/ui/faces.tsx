import type { ComponentChildren } from 'preact';
import type { Problem } from '../../../src/api/types.ts';
import type { Resource } from '../api/resource.ts';
import { href } from '../app/router.ts';
import { Button } from './button.tsx';
import { Icon, type IconName } from './icon.tsx';

/** What stands in the place of something that is being read. */
export function Loading({ rows = 6 }: { readonly rows?: number }) {
  return (
    <div class="ghost" role="status">
      <p class="unseen">Loading…</p>
      {Array.from({ length: rows }, (_, index) => (
        <span key={index} />
      ))}
    </div>
  );
}

interface EmptyProps {
  readonly icon: IconName;
  readonly title: string;
  readonly children?: ComponentChildren;
}

/** What stands in the place of a list without entries: why it is empty, and how it would fill. */
export function Empty({ icon, title, children }: EmptyProps) {
  return (
    <div class="face">
      <Icon name={icon} />
      <h2>{title}</h2>
      {children && <p class="quiet">{children}</p>}
    </div>
  );
}

/** What stands in the place of something that could not be read. */
export function Failed({
  problem,
  retry,
}: {
  readonly problem: Problem;
  readonly retry: () => void;
}) {
  return (
    <div class="face fails" role="alert">
      <Icon name="warning" />
      <h2>{problem.title}</h2>
      <p>{problem.detail}</p>
      {problem.advice && <p class="quiet">{problem.advice}</p>}
      <Button icon="retry" onClick={retry}>
        Try again
      </Button>
    </div>
  );
}

/** A problem in a line or two, beside what it concerns. */
export function ProblemNote({ problem }: { readonly problem: Problem }) {
  return (
    <div class="note fails" role="alert">
      <Icon name="warning" />
      <div>
        <strong>{problem.detail || problem.title}</strong>
        {problem.advice && <div>{problem.advice}</div>}
        {problem.holderId && (
          <div>
            <a href={href(`jobs/${problem.holderId}`)}>Show the job that holds the key</a>
          </div>
        )}
        <div class="hint">{problem.code}</div>
      </div>
    </div>
  );
}

interface NoteProps {
  readonly kind?: 'info' | 'warns' | 'fails';
  readonly children: ComponentChildren;
}

export function Note({ kind = 'info', children }: NoteProps) {
  return (
    <div class={`note ${kind}`}>
      <Icon name={kind === 'info' ? 'info' : 'warning'} />
      <div>{children}</div>
    </div>
  );
}

interface ShownProps<T> {
  readonly of: Resource<T>;
  readonly rows?: number;
  readonly children: (data: T) => ComponentChildren;
}

/** The face that a resource has now: loading, failed, or what it holds, with a line above it where that is old. */
export function Shown<T>({ of: { data, error, reload }, rows, children }: ShownProps<T>) {
  if (data === undefined) {
    return error ? (
      <Failed problem={error.problem} retry={() => void reload()} />
    ) : (
      <Loading {...(rows !== undefined && { rows })} />
    );
  }
  return (
    <>
      {error && (
        <Note kind="warns">
          This could not be read again: {error.message} What is shown was read before.
        </Note>
      )}
      {children(data)}
    </>
  );
}
