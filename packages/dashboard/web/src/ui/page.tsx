import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { capabilities } from '../app/capabilities.ts';

interface PageProps {
  readonly title: string;
  /** What stands in the place of the title, when that is more than text. */
  readonly heading?: ComponentChildren;
  readonly sub?: ComponentChildren;
  readonly actions?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** The frame of every page: its title in the window, its heading, and what can be done with all of it. */
export function Page({ title, heading, sub, actions, children }: PageProps) {
  const product = capabilities.value?.title ?? 'Monque';
  useEffect(() => {
    document.title = `${title} · ${product}`;
  }, [title, product]);
  return (
    <>
      <header class="page-head">
        <div class="titles">
          <h1 tabIndex={-1}>{heading ?? title}</h1>
          {sub && <p class="sub">{sub}</p>}
        </div>
        {actions && <div class="row">{actions}</div>}
      </header>
      <div class="stack">{children}</div>
    </>
  );
}

interface CardProps {
  readonly title?: ComponentChildren;
  readonly aside?: ComponentChildren;
  /** False for tables and lists, which come to its edges. */
  readonly isPadded?: boolean;
  readonly children: ComponentChildren;
}

export function Card({ title, aside, isPadded = true, children }: CardProps) {
  return (
    <section class="card">
      {title && (
        <div class="card-head">
          <h2>{title}</h2>
          {aside}
        </div>
      )}
      {isPadded ? <div class="card-body">{children}</div> : children}
    </section>
  );
}
