/** Shapes on a grid of 16; drawn with strokes, so that they take the colour and the size of the text beside them. */
const SHAPES = {
  overview: 'M2.5 9.5h4v4h-4zM9.5 2.5h4v11h-4zM2.5 2.5h4v4h-4z',
  jobs: 'M2.5 4h11M2.5 8h11M2.5 12h7',
  errors: 'M8 2.2 14.2 13H1.8zM8 6.5v3M8 11.4v.1',
  names: 'M8.2 2.5H3v5.2l5.8 5.8 5.2-5.2zM5.6 5.3v.1',
  series: 'M12.9 6A5.3 5.3 0 0 0 3.5 5M3.1 10a5.3 5.3 0 0 0 9.4 1M3.2 2.4V5h2.7M12.8 13.6V11h-2.7',
  gates: 'M3 13.5v-11h10v11M3 6.5h10M6.3 6.5v7M9.7 6.5v7',
  instances: 'M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5v.1M5 11v.1',
  limits: 'M2.6 11.5a5.6 5.6 0 1 1 10.8 0M8 10.2l2.6-3.6',
  orders: 'M5 3.5h8.5M5 8h8.5M5 12.5h8.5M2.5 2.8v2M2.2 7.2h.9v2M2.2 11.6h1v.9h-1v.9h1',
  flows:
    'M2.2 6.2h3.6v3.6H2.2zM10.2 2.2h3.6v3.6h-3.6zM10.2 10.2h3.6v3.6h-3.6zM5.8 8h2.4M8.2 4v8M8.2 4h2M8.2 12h2',
  rules: 'M8 2 13 4v4c0 3-2 5-5 6-3-1-5-3-5-6V4zM5.8 8l1.6 1.6 2.8-3',
  verification: 'M2.5 4.2l1.2 1.2 2-2.4M2.5 11.2l1.2 1.2 2-2.4M8 4.5h5.5M8 11.5h5.5',
  coordination: 'M2.5 2.5h3v11h-3zM6.5 2.5h3v7h-3zM10.5 2.5h3v9h-3z',
  activity: 'M1.8 8h3l2-5 2.6 10 2-5h2.8',
  metrics: 'M2.5 2.5v11h11M5 10l2.5-3 2 2L13 5',
  settings: 'M2.5 4.5h6M11.5 4.5h2M2.5 11.5h2M7.5 11.5h6M10 3v3M6 10v3',
  dead: 'M2.5 4.5h11v8h-11zM2.5 8.5h3l1 1.8h3l1-1.8h3',
  pending: 'M8 2.2a5.8 5.8 0 1 1 0 11.6A5.8 5.8 0 0 1 8 2.2zM8 4.8V8l2.2 1.6',
  processing: 'M8 2.2a5.8 5.8 0 1 1 0 11.6A5.8 5.8 0 0 1 8 2.2zM6.7 5.6v4.8L10.4 8z',
  blocked: 'M4 7.2h8v6H4zM5.6 7.2V5a2.4 2.4 0 0 1 4.8 0v2.2',
  completed: 'M8 2.2a5.8 5.8 0 1 1 0 11.6A5.8 5.8 0 0 1 8 2.2zM5.4 8.2l1.8 1.8 3.4-3.8',
  failed: 'M8 2.2a5.8 5.8 0 1 1 0 11.6A5.8 5.8 0 0 1 8 2.2zM6 6l4 4M10 6l-4 4',
  cancelled: 'M8 2.2a5.8 5.8 0 1 1 0 11.6A5.8 5.8 0 0 1 8 2.2zM4 4l8 8',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  play: 'M5 3v10l8-5z',
  retry: 'M3.2 9.2A5 5 0 1 0 4.4 4.6M3.2 2.6v2.9h2.9',
  stop: 'M4 4h8v8H4z',
  remove: 'M3 4.5h10M6.2 4.5V3h3.6v1.5M4.3 4.5l.6 9h6.2l.6-9M6.8 7v4M9.2 7v4',
  clock: 'M8 2.2a5.8 5.8 0 1 1 0 11.6A5.8 5.8 0 0 1 8 2.2zM8 4.8V8l2.2 1.6',
  open: 'M4 7.2h8v6H4zM5.6 7.2V5a2.4 2.4 0 0 1 4.6-.8',
  copy: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3',
  search: 'M7 2.8a4.2 4.2 0 1 1 0 8.4 4.2 4.2 0 0 1 0-8.4zM10.2 10.2l3.3 3.3',
  close: 'M4 4l8 8M12 4l-8 8',
  plus: 'M8 3v10M3 8h10',
  menu: 'M2.5 4.5h11M2.5 8h11M2.5 11.5h11',
  right: 'M6 3.5 10.5 8 6 12.5',
  left: 'M10 3.5 5.5 8l4.5 4.5',
  down: 'M3.5 6 8 10.5 12.5 6',
  external: 'M9 2.5h4.5V7M13.5 2.5 7.5 8.5M11.5 9.5v4h-9v-9h4',
  info: 'M8 2.2a5.8 5.8 0 1 1 0 11.6A5.8 5.8 0 0 1 8 2.2zM8 7.3v3.4M8 5.2v.1',
  warning: 'M8 2.2 14.2 13H1.8zM8 6.5v3M8 11.4v.1',
  good: 'M3 8.5l3.2 3.2L13 4.8',
  sun: 'M8 5.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6zM8 1.5v1.2M8 13.3v1.2M1.5 8h1.2M13.3 8h1.2M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9',
  moon: 'M13 9.6A5.6 5.6 0 0 1 6.4 3 5.6 5.6 0 1 0 13 9.6z',
  both: 'M2.5 3.5h11v7.5h-11zM6 13.5h4',
  live: 'M8 7v2M4.6 4.6a4.8 4.8 0 0 0 0 6.8M11.4 4.6a4.8 4.8 0 0 1 0 6.8M2.6 2.6a7.6 7.6 0 0 0 0 10.8M13.4 2.6a7.6 7.6 0 0 1 0 10.8',
  user: 'M8 2.5a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6zM2.8 13.5c.6-2.6 2.6-4 5.2-4s4.6 1.4 5.2 4',
} as const;

export type IconName = keyof typeof SHAPES;

interface IconProps {
  readonly name: IconName;
  /** What it says to those who do not see it; without it the text beside it says all. */
  readonly label?: string;
  readonly class?: string;
}

export function Icon({ name, label, class: extra }: IconProps) {
  return (
    <svg
      class={extra ? `icon ${extra}` : 'icon'}
      viewBox="0 0 16 16"
      {...(label ? { role: 'img', 'aria-label': label } : { 'aria-hidden': true })}
    >
      <path d={SHAPES[name]} />
    </svg>
  );
}
