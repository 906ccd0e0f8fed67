/**
 * Counts and measures what happens.
 *
 * What always holds: it takes bounded room, since a metric keeps at most {@link MOST_LABEL_VALUES} values of a label and
 * gathers the rest under {@link OTHER_LABEL}; an observer cannot hurt what is measured; and without one a measurement
 * costs a look into two maps.
 *
 * @module
 */
import { isPromiseAside } from '../foundation/promises.ts';
import { Histogram, type HistogramReading, SIZE_BOUNDS, TIME_BOUNDS_MS } from './histogram.ts';
import {
  COUNTERS,
  type CounterLabels,
  type CounterName,
  HISTOGRAMS,
  type HistogramLabels,
  type HistogramName,
  type MetricDefinition,
} from './metric-catalogue.ts';

/** How many values of one label a metric keeps apart. */
export const MOST_LABEL_VALUES = 200;

/** What the values of a label beyond {@link MOST_LABEL_VALUES} are counted under. */
export const OTHER_LABEL = '(other)';

/** What the points of a metric differ by: its labels, by name; empty for a metric without labels. */
export type Labels = Readonly<Record<string, string>>;

/** A value for each label that is declared; `{}` where none is. */
type ValuesOf<Declared extends readonly string[]> = Declared extends readonly []
  ? Readonly<Record<string, never>>
  : Readonly<Record<Declared[number], string>>;

/** One value of a counter. */
export interface CounterPoint {
  readonly labels: Labels;
  readonly value: number;
}

/** One histogram of a metric. */
export interface HistogramPoint extends HistogramReading {
  readonly labels: Labels;
}

/** What was counted and measured so far. Nothing in it changes afterwards. */
export interface MetricsReading {
  readonly counters: Readonly<Record<CounterName, readonly CounterPoint[]>>;
  readonly histograms: Readonly<Record<HistogramName, readonly HistogramPoint[]>>;
}

/** Sees every measurement as it is made. What it throws is reported once and changes nothing. */
export interface MetricsObserver {
  /** A counter grew by an amount. */
  readonly counted?: (metric: CounterName, amount: number, labels: Labels) => void;
  /** A value was measured. */
  readonly recorded?: (metric: HistogramName, value: number, labels: Labels) => void;
}

/** Counters and histograms, by name and labels. */
export class Metrics {
  readonly #counters = new Map<CounterName, Labelled<{ value: number }>>();
  readonly #histograms = new Map<HistogramName, Labelled<Histogram>>();
  readonly #observers = new Set<(see: (observer: MetricsObserver) => unknown) => void>();

  /** Adds to a counter. */
  count<Name extends CounterName>(
    metric: Name,
    labels: ValuesOf<CounterLabels[Name]>,
    amount = 1,
  ): void {
    let points = this.#counters.get(metric);
    if (points === undefined) {
      points = new Labelled(COUNTERS[metric], () => ({ value: 0 }));
      this.#counters.set(metric, points);
    }
    points.at(labels).value += amount;
    if (this.#observers.size === 0) return;
    const seen = Object.freeze(labels);
    this.#notify((observer) => observer.counted?.(metric, amount, seen));
  }

  /** Adds a value to a histogram. */
  record<Name extends HistogramName>(
    metric: Name,
    labels: ValuesOf<HistogramLabels[Name]>,
    value: number,
  ): void {
    let points = this.#histograms.get(metric);
    if (points === undefined) {
      const definition = HISTOGRAMS[metric];
      const bounds = definition.unit === 'ms' ? TIME_BOUNDS_MS : SIZE_BOUNDS;
      points = new Labelled(definition, () => new Histogram(bounds));
      this.#histograms.set(metric, points);
    }
    points.at(labels).record(value);
    if (this.#observers.size === 0) return;
    const seen = Object.freeze(labels);
    this.#notify((observer) => observer.recorded?.(metric, value, seen));
  }

  /**
   * Lets an observer see every measurement from now on.
   *
   * @param onError - called with the first error of the observer
   * @returns ends it
   */
  observe(observer: MetricsObserver, onError: (error: unknown) => void): () => void {
    let hasFailed = false;
    const failed = (error: unknown): void => {
      const isFirst = !hasFailed;
      // Reporting counts an error, which the observer sees in turn.
      hasFailed = true;
      if (isFirst) onError(error);
    };
    const guarded = (see: (observer: MetricsObserver) => unknown): void => {
      try {
        isPromiseAside(see(observer), failed);
      } catch (error) {
        failed(error);
      }
    };
    this.#observers.add(guarded);
    return () => void this.#observers.delete(guarded);
  }

  /** How far a counter got, over all labels. */
  total(metric: CounterName): number {
    let total = 0;
    for (const { point } of this.#counters.get(metric)?.entries() ?? []) total += point.value;
    return total;
  }

  /** What was counted and measured so far. */
  read(): MetricsReading {
    const counters = mapNames(COUNTERS, (metric) =>
      pointsOf(this.#counters.get(metric), ({ value }) => ({ value })),
    );
    const histograms = mapNames(HISTOGRAMS, (metric) =>
      pointsOf(this.#histograms.get(metric), (histogram) => histogram.read()),
    );
    return Object.freeze({ counters, histograms });
  }

  #notify(see: (observer: MetricsObserver) => unknown): void {
    for (const guarded of this.#observers) guarded(see);
  }
}

/** One point for each pair of label values. */
class Labelled<Point> {
  readonly #rows = new Map<string, Map<string, Point>>();
  readonly #first: string | undefined;
  readonly #second: string | undefined;
  readonly #make: () => Point;

  constructor({ labels }: MetricDefinition, make: () => Point) {
    [this.#first, this.#second] = labels;
    this.#make = make;
  }

  at(labels: Labels): Point {
    const row = valueAt(
      this.#rows,
      labelValue(labels, this.#first),
      () => new Map<string, Point>(),
    );
    return valueAt(row, labelValue(labels, this.#second), this.#make);
  }

  *entries(): Generator<{ labels: Labels; point: Point }> {
    for (const [first, row] of this.#rows) {
      for (const [second, point] of row) yield { labels: this.#labelsOf(first, second), point };
    }
  }

  #labelsOf(first: string, second: string): Labels {
    return Object.freeze({
      ...(this.#first !== undefined && { [this.#first]: first }),
      ...(this.#second !== undefined && { [this.#second]: second }),
    });
  }
}

/** A metric without the label has one point for all. */
function labelValue(labels: Labels, label: string | undefined): string {
  return label === undefined ? '' : String(labels[label]);
}

/** The value of a key, made when it is new; that of the others when there are too many already. */
function valueAt<T>(map: Map<string, T>, key: string, make: () => T): T {
  const known = map.get(key);
  if (known !== undefined) return known;
  if (map.size >= MOST_LABEL_VALUES && key !== OTHER_LABEL) return valueAt(map, OTHER_LABEL, make);
  const made = make();
  map.set(key, made);
  return made;
}

function pointsOf<Point, Reading extends object>(
  points: Labelled<Point> | undefined,
  read: (point: Point) => Reading,
): readonly (Reading & { readonly labels: Labels })[] {
  const readings = [...(points?.entries() ?? [])].map(({ labels, point }) =>
    Object.freeze({ labels, ...read(point) }),
  );
  return Object.freeze(readings);
}

function mapNames<Name extends string, Value>(
  definitions: Readonly<Record<Name, MetricDefinition>>,
  make: (name: Name) => Value,
): Readonly<Record<Name, Value>> {
  const names = Object.keys(definitions) as Name[];
  const entries = names.map((name) => [name, make(name)]);
  return Object.freeze(Object.fromEntries(entries));
}
