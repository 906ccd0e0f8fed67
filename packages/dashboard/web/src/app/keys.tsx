import { useEffect, useState } from 'preact/hooks';
import { isPaused } from '../api/live.ts';
import { Dialog } from '../ui/dialog.tsx';
import { isOffered } from './capabilities.ts';
import { PAGES } from './pages.ts';
import { shortcuts } from './preferences.ts';
import { go, href } from './router.ts';

const PAGE_KEYS: Readonly<Record<string, string>> = {
  o: '',
  j: 'jobs',
  n: 'names',
  s: 'series',
  g: 'gates',
  f: 'flows',
  q: 'orders',
  l: 'limits',
  e: 'errors',
  d: 'dead-letters',
  r: 'rules',
  i: 'instances',
  m: 'metrics',
  a: 'activity',
  v: 'verification',
  c: 'coordination',
  x: 'settings',
};

const SEQUENCE_MS = 1_200;

/** The keys that do something anywhere; they can be switched off in the settings. */
export function Keys() {
  const [isHelpOpen, setHelpOpen] = useState(false);
  useEffect(() => {
    let startedAt = 0;
    const onKey = (event: KeyboardEvent): void => {
      if (shortcuts.value === 'off' || isTyping(event)) return;
      const isSecond = Date.now() - startedAt < SEQUENCE_MS;
      startedAt = 0;
      const page = PAGE_KEYS[event.key];
      if (isSecond && page !== undefined) go(href(page));
      else if (event.key === 'g') startedAt = Date.now();
      else if (event.key === '?') setHelpOpen(true);
      else if (event.key === 'p') isPaused.value = !isPaused.value;
      else if (event.key === '/') focusSearch();
      else return;
      event.preventDefault();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
  if (!isHelpOpen) return null;
  return (
    <Dialog title="Keys" onClose={() => setHelpOpen(false)}>
      <dl class="facts">
        <Key keys={['/']} does="Go to the filter, or to the jobs" />
        <Key keys={['p']} does="Pause or go on with what is live" />
        <Key keys={['?']} does="Show this" />
        {Object.entries(PAGE_KEYS).map(([key, to]) => {
          const page = PAGES.find(({ path }) => path === to);
          return page && isOffered(page) && <Key key={key} keys={['g', key]} does={page.title} />;
        })}
      </dl>
      <p class="hint">Single keys can be switched off in the settings.</p>
    </Dialog>
  );
}

function Key({ keys, does }: { readonly keys: readonly string[]; readonly does: string }) {
  return (
    <>
      <dt>
        {keys.map((key) => (
          <>
            <kbd key={key}>{key}</kbd>{' '}
          </>
        ))}
      </dt>
      <dd>{does}</dd>
    </>
  );
}

function isTyping(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) return true;
  const target = event.target as HTMLElement;
  return target.matches('input, select, textarea') || target.closest('dialog') !== null;
}

function focusSearch(): void {
  const field = document.querySelector<HTMLElement>('[data-search]');
  if (field) field.focus();
  else go(href('jobs'));
}
