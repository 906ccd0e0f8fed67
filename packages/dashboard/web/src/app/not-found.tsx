import { Empty } from '../ui/faces.tsx';
import { Page } from '../ui/page.tsx';
import { href } from './router.ts';

export function NotFound() {
  return (
    <Page title="There is no such page">
      <section class="card">
        <Empty icon="search" title="Nothing is found at this address">
          Go on at the <a href={href('')}>overview</a>, or look among{' '}
          <a href={href('jobs')}>the jobs</a>.
        </Empty>
      </section>
    </Page>
  );
}
