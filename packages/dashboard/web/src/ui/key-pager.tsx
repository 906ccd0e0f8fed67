import { params, setParams } from '../app/router.ts';
import { Button } from './button.tsx';

interface KeyPagerProps {
  /** What the pages are of. */
  readonly label: string;
  /** The parameter of the address that says where the page begins. */
  readonly parameter?: string;
  /** Where the next page begins; null at the end. */
  readonly next: string | null;
}

/** The way through pages that go forward alone. */
export function KeyPager({ label, parameter = 'after', next }: KeyPagerProps) {
  const isFirst = !params.value.has(parameter);
  if (isFirst && next === null) return null;
  return (
    <nav class="card-head" aria-label={`Pages of ${label}`}>
      <Button
        icon="left"
        look="bare"
        denied={isFirst ? 'This is the first page.' : undefined}
        onClick={() => setParams({ [parameter]: undefined })}
      >
        First page
      </Button>
      <Button
        icon="right"
        look="bare"
        denied={next === null ? 'This is the last page.' : undefined}
        onClick={() => setParams({ [parameter]: next ?? undefined })}
      >
        Next page
      </Button>
    </nav>
  );
}
