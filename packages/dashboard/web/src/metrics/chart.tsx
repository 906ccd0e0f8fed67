import { useEffect, useRef } from 'preact/hooks';
import type uPlot from 'uplot';
import { theme, zone } from '../app/preferences.ts';

export interface Line {
  readonly label: string;
  /** A colour of the tokens, such as `--completed`. */
  readonly token: string;
  readonly values: readonly number[];
}

interface ChartProps {
  readonly title: string;
  /** Milliseconds. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  /** The least that the axis reaches to. */
  readonly least: number;
  /** How the times stand at the axis. @default `{HH}:{mm}:{ss}` */
  readonly clock?: string;
  format(value: number): string;
}

const HEIGHT = 180;

/** Lines over time. What they say now stands in words below them. */
export function Chart(props: ChartProps) {
  const { title, times, lines, format, clock } = props;
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>();
  const [chosen, chosenZone] = [theme.value, zone.value];

  useEffect(() => {
    const element = place.current;
    if (!element) return;
    let isOver = false;
    let observer: ResizeObserver | undefined;
    void import('uplot').then(({ default: Plot }) => {
      if (isOver) return;
      const tzDate = (seconds: number): Date => {
        const at = new Date(seconds * 1_000);
        return chosenZone === 'utc' ? Plot.tzDate(at, 'Etc/UTC') : at;
      };
      const options = { ...optionsOf(element, props), tzDate };
      plot.current = new Plot(options, dataOf(times, lines), element);
      observer = new ResizeObserver(() =>
        plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }),
      );
      observer.observe(element);
    });
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    const redraw = (): void => plot.current?.redraw();
    scheme.addEventListener('change', redraw);
    return () => {
      isOver = true;
      observer?.disconnect();
      scheme.removeEventListener('change', redraw);
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [chosen, chosenZone, lines.length, clock]);

  useEffect(() => {
    plot.current?.setData(dataOf(times, lines));
  }, [times, lines]);

  return (
    <div class="stack tight">
      <div class="chart" ref={place} role="img" aria-label={labelOf(title, lines, format)} />
      <ul class="legend">
        {lines.map(({ label, token, values }) => (
          <li key={label}>
            <i style={{ background: `var(${token})` }} />
            {label} <strong>{format(values.at(-1) ?? 0)}</strong>
          </li>
        ))}
      </ul>
    </div>
  );
}

function labelOf(title: string, lines: readonly Line[], format: (value: number) => string): string {
  return `${title}. Now: ${lines.map(({ label, values }) => `${label} ${format(values.at(-1) ?? 0)}`).join(', ')}.`;
}

function dataOf(times: readonly number[], lines: readonly Line[]): uPlot.AlignedData {
  return [times.map((time) => time / 1_000), ...lines.map(({ values }) => [...values])];
}

/** Canvas knows no tokens: a colour is what the browser makes of one now. */
function colour(element: HTMLElement, token: string): string {
  const before = element.style.color;
  element.style.color = `var(${token})`;
  const resolved = getComputedStyle(element).color;
  element.style.color = before;
  return resolved;
}

function optionsOf(
  element: HTMLElement,
  { lines, least, format, clock = '{HH}:{mm}:{ss}' }: ChartProps,
): uPlot.Options {
  const font = `11px ${getComputedStyle(element).fontFamily}`;
  const axis = {
    font,
    stroke: () => colour(element, '--text-3'),
    grid: { stroke: () => colour(element, '--line'), width: 1 },
    ticks: { stroke: () => colour(element, '--line'), width: 1, size: 4 },
  };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { drag: { x: false, y: false } },
    padding: [8, 8, 0, 0],
    scales: { y: { range: (_plot, _min, max) => [0, Math.max(max * 1.1, least)] } },
    axes: [
      { ...axis, size: 28, space: 90, values: clock },
      { ...axis, size: 56, space: 36, values: (_plot, ticks) => ticks.map(format) },
    ],
    series: [
      {},
      ...lines.map(({ label, token }) => ({
        label,
        stroke: () => colour(element, token),
        width: 1.6,
        points: { show: false },
      })),
    ],
  };
}
