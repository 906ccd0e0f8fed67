import type { ComponentChildren } from 'preact';
import type { Resource } from '../api/resource.ts';
import { Empty, Failed, Loading } from './faces.tsx';
import type { IconName } from './icon.tsx';
import { Page } from './page.tsx';

interface UnreadPageProps {
  /** What the page shows one of. */
  readonly title: string;
  readonly of: Resource<unknown>;
  readonly rows?: number;
  readonly icon: IconName;
  /** Where it may be, when it is not there. */
  readonly children: ComponentChildren;
}

/** The page of one thing while that is not read: it is on its way, could not be read, or is not there. */
export function UnreadPage({ title, of, rows, icon, children }: UnreadPageProps) {
  const problem = of.error?.problem;
  return (
    <Page title={title}>
      <section class="card">
        {problem?.status === 404 ? (
          <Empty icon={icon} title={`There is no such ${title.toLowerCase()}`}>
            {children}
          </Empty>
        ) : problem ? (
          <Failed problem={problem} retry={() => void of.reload()} />
        ) : (
          <Loading {...(rows !== undefined && { rows })} />
        )}
      </section>
    </Page>
  );
}
