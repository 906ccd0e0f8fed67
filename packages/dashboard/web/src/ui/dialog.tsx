import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { ProblemError } from '../api/client.ts';
import { Button } from './button.tsx';
import { ProblemNote } from './faces.tsx';
import type { IconName } from './icon.tsx';

interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
  readonly isWide?: boolean;
  /** Without it the dialog only shows something. */
  readonly action?: {
    readonly label: string;
    readonly icon?: IconName;
    readonly isDangerous?: boolean;
    readonly denied?: string | undefined;
    /** Something else takes its place when it is done. @default false: it closes */
    readonly staysOpen?: boolean;
    /** What it throws is shown. */
    run(): Promise<void>;
  };
}

/** A modal dialog: Escape and the focus are the browser's. */
export function Dialog({ title, onClose, children, isWide, action }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ProblemError>();

  useEffect(() => {
    const opener = document.activeElement;
    ref.current?.showModal();
    return () => {
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, []);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (!action || busy || action.denied !== undefined) return;
    setBusy(true);
    setProblem(undefined);
    try {
      await action.run();
      if (!action.staysOpen) onClose();
    } catch (error) {
      setProblem(error instanceof ProblemError ? error : local(error));
      setBusy(false);
    }
  };

  return (
    <dialog ref={ref} class={isWide ? 'is-wide' : undefined} aria-labelledby={id} onClose={onClose}>
      <form onSubmit={submit} noValidate>
        <div class="dialog-head">
          <h2 id={id}>{title}</h2>
        </div>
        <div class="dialog-body">
          {children}
          {problem && <ProblemNote problem={problem.problem} />}
        </div>
        <div class="dialog-foot">
          <Button onClick={onClose}>{action ? 'Close' : 'Done'}</Button>
          {action && (
            <Button
              type="submit"
              look={action.isDangerous ? 'mainDanger' : 'main'}
              busy={busy}
              denied={action.denied}
              {...(action.icon && { icon: action.icon })}
            >
              {action.label}
            </Button>
          )}
        </div>
      </form>
    </dialog>
  );
}

/** What the dialog itself refuses, such as text that is no JSON. */
function local(error: unknown): ProblemError {
  return new ProblemError({
    type: 'about:blank',
    title: 'Not sent',
    status: 400,
    code: 'NOT_SENT',
    detail: (error as Error).message,
  });
}
