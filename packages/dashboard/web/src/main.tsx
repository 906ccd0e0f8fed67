import './styles/tokens.css';
import './styles/base.css';
import './styles/layout.css';
import './styles/controls.css';
import './styles/data.css';
import './styles/control.css';
import { render } from 'preact';
import { startLive } from './api/live.ts';
import { readCapabilities } from './app/capabilities.ts';
import { startClock } from './app/clock.ts';
import { App } from './app/layout.tsx';
import { startRouter } from './app/router.ts';

const root = document.getElementById('app');
if (!root) throw new Error('The document has no place for the dashboard');

startRouter();
startClock();
root.replaceChildren();
render(<App />, root);
await readCapabilities();
startLive();
