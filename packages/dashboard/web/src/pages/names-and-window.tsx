import { params, setParams } from '../app/router.ts';
import { number } from '../ui/format.ts';
import { type Token, TokenFilter } from '../ui/token-filter.tsx';
import { jobTokenKinds } from './jobs-query.ts';

const WINDOWS = [200, 1_000, 10_000];
const DEFAULT_WINDOW = '1000';

/** The names that the address asks for, and how many of the newest jobs are looked at. */
export function namesAndWindow(): { readonly names: string[]; readonly window: string } {
  const search = params.value;
  return { names: search.getAll('name'), window: search.get('window') ?? DEFAULT_WINDOW };
}

interface NamesAndWindowProps {
  readonly label: string;
  readonly placeholder: string;
  readonly windowLabel: string;
  readonly onNames: (tokens: readonly Token[]) => void;
}

/** The controls for both. */
export function NamesAndWindow({ label, placeholder, windowLabel, onNames }: NamesAndWindowProps) {
  const { names, window } = namesAndWindow();
  return (
    <div class="row">
      <TokenFilter
        label={label}
        placeholder={placeholder}
        kinds={jobTokenKinds().filter(({ key }) => key === 'name')}
        tokens={names.map((value) => ({ key: 'name', value }))}
        onChange={onNames}
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
