import { go, href, params, setParams } from '../app/router.ts';
import { number } from '../ui/format.ts';
import { TokenFilter } from '../ui/token-filter.tsx';
import { jobTokenKinds } from './jobs-query.ts';

const WINDOWS = [200, 1_000, 10_000];
const DEFAULT_WINDOW = '1000';

/** The names that the address asks for, and how many of the newest jobs are looked at. */
export function namesAndWindow(): { readonly names: string[]; readonly window: string } {
  const search = params.value;
  return { names: search.getAll('name'), window: search.get('window') ?? DEFAULT_WINDOW };
}

interface NamesAndWindowProps {
  /** The page that they are on. */
  readonly page: 'errors' | 'dead-letters';
  readonly label: string;
  readonly placeholder: string;
  readonly windowLabel: string;
}

/** The controls for both. */
export function NamesAndWindow({ page, label, placeholder, windowLabel }: NamesAndWindowProps) {
  const { names, window } = namesAndWindow();
  return (
    <div class="row">
      <TokenFilter
        label={label}
        placeholder={placeholder}
        kinds={jobTokenKinds().filter(({ key }) => key === 'name')}
        tokens={names.map((value) => ({ key: 'name', value }))}
        onChange={(tokens) =>
          setNames(
            page,
            tokens.map(({ value }) => value),
          )
        }
      />
      <select
        aria-label={windowLabel}
        value={window}
        onChange={(event) => setParams({ window: event.currentTarget.value })}
      >
        {WINDOWS.map((count) => (
          <option key={count} value={count}>
            the newest {number(count)}
          </option>
        ))}
      </select>
    </div>
  );
}

/** What was opened among others is left out; how many are looked at stays. */
function setNames(page: NamesAndWindowProps['page'], names: readonly string[]): void {
  const next = new URLSearchParams(names.map((value) => ['name', value]));
  const window = params.value.get('window');
  if (window !== null) next.set('window', window);
  const query = next.toString();
  go(`${href(page)}${query && `?${query}`}`);
}
