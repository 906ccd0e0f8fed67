import { signal } from '@preact/signals';
import type { ComponentType } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { isPaused, liveState, readSnapshot, snapshot, snapshotProblem } from '../api/live.ts';
import { Button } from '../ui/button.tsx';
import { Failed, Loading, Note } from '../ui/faces.tsx';
import { Icon } from '../ui/icon.tsx';
import { Time } from '../ui/time.tsx';
import { Toasts } from '../ui/toast.tsx';
import { capabilities, isOffered, readCapabilities, refusal } from './capabilities.ts';
import { Keys } from './keys.tsx';
import { NotFound } from './not-found.tsx';
import { DETAILS, FURTHER, GROUPS, PAGES, type PageEntry } from './pages.ts';
import { theme } from './preferences.ts';
import { href, moves, path } from './router.ts';

const isMenuOpen = signal(false);

const MENU_BUTTON = 'menu-button';

export function App() {
  const main = useRef<HTMLElement>(null);
  const moved = moves.value;
  useEffect(() => {
    isMenuOpen.value = false;
    if (moved > 0) main.current?.focus({ preventScroll: true });
  }, [moved]);
  return (
    <>
      <button class="skip button" type="button" onClick={() => main.current?.focus()}>
        Go to the content
      </button>
      <div class="frame">
        <Side />
        {isMenuOpen.value && <div class="veil" onClick={() => closeMenu()} aria-hidden="true" />}
        <div class="body">
          <TopBar />
          <main ref={main} tabIndex={-1}>
            <Outlet />
          </main>
        </div>
      </div>
      <Keys />
      <Toasts />
    </>
  );
}

function closeMenu(): void {
  isMenuOpen.value = false;
}

function Brand() {
  return (
    <a class="brand" href={href('')}>
      <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
        <rect width="32" height="32" rx="8" />
        <path d="M8 22V11l8 7 8-7v11" />
      </svg>
      <span class="cut">{capabilities.value?.title ?? 'Monque'}</span>
    </a>
  );
}

function TopBar() {
  return (
    <header class="bar">
      <Button
        id={MENU_BUTTON}
        icon="menu"
        label="Menu"
        look="bare"
        expanded={isMenuOpen.value}
        onClick={() => {
          isMenuOpen.value = !isMenuOpen.value;
        }}
      />
      <Brand />
      <LiveButton />
    </header>
  );
}

function Side() {
  const { environment, actor, readOnly } = capabilities.value ?? {};
  const place = useRef<HTMLElement>(null);
  const isOpen = isMenuOpen.value;
  useEffect(() => {
    if (!isOpen) return;
    place.current?.querySelector('a')?.focus();
    return () => {
      // Who went to a page by the menu is there already.
      const { activeElement } = document;
      const isLost = activeElement === document.body || place.current?.contains(activeElement);
      if (isLost) document.getElementById(MENU_BUTTON)?.focus();
    };
  }, [isOpen]);
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') closeMenu();
  };
  return (
    <aside ref={place} class={isOpen ? 'side is-open' : 'side'} onKeyDown={onKey}>
      <Brand />
      {environment && <span class="environment">{environment}</span>}
      <nav aria-label="Pages">
        {GROUPS.map(({ group, title }) => (
          <NavGroup key={group} group={group} title={title} />
        ))}
      </nav>
      <div class="side-foot">
        <div class="row spread">
          <LiveButton />
          <ThemeButton />
        </div>
        <div>
          <Icon name="user" /> {actor ?? '…'}
          {readOnly && ' (read-only)'}
        </div>
      </div>
    </aside>
  );
}

interface NavGroupProps {
  readonly group: PageEntry['group'];
  readonly title: string;
}

function NavGroup({ group, title }: NavGroupProps) {
  const pages = PAGES.filter((page) => page.group === group && isOffered(page));
  if (pages.length === 0) return null;
  return (
    <div>
      {title && <p class="nav-head">{title}</p>}
      <ul class="nav-list">
        {pages.map((page) => (
          <NavItem key={page.path} page={page} />
        ))}
      </ul>
    </div>
  );
}

function NavItem({ page }: { readonly page: PageEntry }) {
  const [section = ''] = path.value.split('/');
  const isCurrent = (FURTHER[section]?.under ?? section) === page.path;
  const critical = snapshot.value?.attention.filter(({ severity }) => severity !== 'info').length;
  return (
    <li>
      <a href={href(page.path)} {...(isCurrent && { 'aria-current': 'page' })}>
        <Icon name={page.icon} />
        {page.title}
        {page.path === '' && !!critical && (
          <span class="count warns">
            {critical}
            <span class="unseen"> things need attention</span>
          </span>
        )}
      </a>
    </li>
  );
}

const LIVE_WORDS = {
  live: 'Live',
  polling: 'Live, every 5 s',
  paused: 'Paused',
  hidden: 'Paused',
  lost: 'No connection',
} as const;

/** Says whether what is shown moves, and stops that. */
function LiveButton() {
  const state = liveState.value;
  const isStill = state === 'paused';
  const toggle = (): void => {
    isPaused.value = !isStill;
    if (isStill) void readSnapshot();
  };
  return (
    <Button
      icon={isStill ? 'play' : state === 'lost' ? 'warning' : 'pause'}
      look="bare"
      pressed={isStill}
      onClick={toggle}
    >
      {LIVE_WORDS[state]}
    </Button>
  );
}

const THEMES = {
  system: { next: 'light', icon: 'both', label: 'Theme: as the system. Change to light' },
  light: { next: 'dark', icon: 'sun', label: 'Theme: light. Change to dark' },
  dark: { next: 'system', icon: 'moon', label: 'Theme: dark. Change to that of the system' },
} as const;

function ThemeButton() {
  const { next, icon, label } = THEMES[theme.value];
  return (
    <Button
      icon={icon}
      label={label}
      look="bare"
      onClick={() => {
        theme.value = next;
      }}
    />
  );
}

type Loaded = ComponentType<{ readonly id?: string | undefined }>;

const loaded = new Map<string, Loaded>();

/** The page that the path names. */
function Outlet() {
  const [section = '', id, ...rest] = path.value.split('/');
  const entry = id
    ? DETAILS[section]
    : (PAGES.find((page) => page.path === section) ?? FURTHER[section]);
  const key = id ? `${section}/` : section;
  const [, setCount] = useState(0);
  const [broken, setBroken] = useState(false);
  useEffect(() => {
    setBroken(false);
    if (!entry || loaded.has(key)) return;
    entry.load().then(
      (component) => {
        loaded.set(key, component);
        setCount((count) => count + 1);
      },
      () => setBroken(true),
    );
  }, [key]);

  if (refusal.value && !capabilities.value) {
    return <Failed problem={refusal.value.problem} retry={() => void readCapabilities()} />;
  }
  if (!entry || rest.length > 0) return <NotFound />;
  if (broken) return <Failed problem={STALE_PAGE} retry={() => location.reload()} />;
  const Found = loaded.get(key);
  return (
    <>
      <Outage />
      {Found ? <Found key={path.value} id={id && decodeURIComponent(id)} /> : <Loading />}
    </>
  );
}

/** A newer version of the server has other files. */
const STALE_PAGE = {
  type: 'about:blank',
  title: 'This page could not be loaded',
  status: 0,
  code: 'STALE_PAGE',
  detail: 'The server may have been updated since the dashboard was opened.',
  advice: 'Load it again.',
};

/** One line above every page while nothing new comes in. */
function Outage() {
  const problem = snapshotProblem.value;
  if (liveState.value !== 'lost' && problem === undefined) return null;
  return (
    <div class="outage">
      <Note kind="warns">
        {problem ?? 'The connection to the server is lost; it is tried again by itself.'}
        {snapshot.value && (
          <>
            {' '}
            What is shown was read <Time at={snapshot.value.at} />.
          </>
        )}
      </Note>
    </div>
  );
}
