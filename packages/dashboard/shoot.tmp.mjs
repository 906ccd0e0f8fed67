import { chromium } from 'playwright-core';
const base = process.env.BASE ?? 'http://127.0.0.1:4750/';
const only = process.argv[2]?.split(',');
const widths = (process.argv[3] ?? '1440').split(',').map(Number);
const themes = (process.argv[4] ?? 'light').split(',');
const api = async (p) => (await fetch(base + 'api/v1/' + p)).json();
const find = async (q) => (await api('jobs?limit=5&' + q)).jobs[0]?.id;
const series = (await api('series')).series;
const failed = await find('status=failed&name=charge-card'), blocked = await find('status=blocked'), running = await find('status=processing&name=render-report'), done = await find('status=completed&name=send-email');
const errs = (await api('errors')).groups[0];
const pages = {
  overview: '', jobs: '-/jobs', jobsFiltered: '-/jobs?status=failed&name=charge-card', names: '-/names', name: '-/name?name=send-email', series: '-/series', seriesOne: `-/series/${series[0].id}`,
  gates: '-/gates', errors: '-/errors', errorsOne: `-/errors?error=${encodeURIComponent(errs.name + ' ' + errs.pattern)}`, rules: '-/rules', instances: '-/instances', instancesOne: `-/instances?instance=${(await api('instances')).instances[1].instanceId}`,
  metrics: '-/metrics', activity: '-/activity', settings: '-/settings', jobFailed: `-/jobs/${failed}`, jobBlocked: `-/jobs/${blocked}`, jobRunning: `-/jobs/${running}`, jobDone: `-/jobs/${done}`, jobMissing: '-/jobs/0123456789abcdef01234567', nowhere: '-/nowhere',
};
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
for (const theme of themes) for (const width of widths) {
  const context = await browser.newContext({ viewport: { width, height: width < 700 ? 720 : 900 }, colorScheme: theme });
  const page = await context.newPage();
  page.on('console', (m) => { if (['error', 'warning'].includes(m.type())) console.log(m.type(), m.text().slice(0, 300)); });
  page.on('pageerror', (e) => console.log('pageerror', e.message));
  for (const [name, path] of Object.entries(pages)) {
    if (only && only[0] !== 'all' && !only.includes(name)) continue;
    await page.goto(base + path);
    await page.waitForTimeout(name === 'metrics' ? 13000 : 700);
    const file = `/tmp/shots/${name}-${theme}-${width}.png`;
    await page.screenshot({ path: file, fullPage: true });
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (over > 0) console.log(name, width, 'overflows by', over);
  }
  await context.close();
}
await browser.close();
