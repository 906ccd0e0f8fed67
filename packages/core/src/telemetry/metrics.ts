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
  type CounterName,
  HISTOGRAMS,
  type HistogramName,
  type MetricDefinition,
} from './metric-catalogue.ts';

/** How many values of one label a metric keeps apart. */
export const MOST_LABEL_VALUES = 200;

/** What the values of a label beyond {@link MOST_LABEL_VALUES} are counted under. */
export const OTHER_LABEL = '(other)';

/** What tells the points of a metric apart, by the names of its labels; empty for a metric without labels. */
export type Labels = Readonly<Record<string, string>>;

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

/** Is told of every measurement as it is made. What it throws is reported once and changes nothing. */
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
  readonly #observers = new Set<(tell: (observer: MetricsObserver) => unknown) => void>();

  /** Lets a counter grow; its labels in the order of the catalogue. */
  count(metric: CounterName, amount = 1, first = '', second = ''): void {
    let points = this.#counters.get(metric);
    if (points === undefined) {
      points = new Labelled(() => ({ value: 0 }));
      this.#counters.set(metric, points);
    }
    points.at(first, second).value += amount;
    if (this.#observers.size === 0) return;
    const labels = labelsOf(COUNTERS[metric], first, second);
    this.#tell((observer) => observer.counted?.(metric, amount, labels));
  }

  /** Counts a value; its label as in the catalogue. */
  record(metric: HistogramName, value: number, label = ''): void {
    let points = this.#histograms.get(metric);
    if (points === undefined) {
      const bounds = HISTOGRAMS[metric].unit === 'ms' ? TIME_BOUNDS_MS : SIZE_BOUNDS;
      points = new Labelled(() => new Histogram(bounds));
      this.#histograms.set(metric, points);
    }
    points.at(label, '').record(value);
    if (this.#observers.size === 0) return;
    const labels = labelsOf(HISTOGRAMS[metric], label, '');
    this.#tell((observer) => observer.recorded?.(metric, value, labels));
  }

  /**
   * Tells an observer of every measurement from now on.
   *
   * @param onError - called with the first error of the observer
   * @returns ends it
   */
  observe(observer: MetricsObserver, onError: (error: unknown) => void): () => void {
    let hasFailed = false;
    const failed = (error: unknown): void => {
      const isFirst = !hasFailed;
      // Errors are counted, of which the observer is told.
      hasFailed = true;
      if (isFirst) onError(error);
    };
    const guarded = (tell: (observer: MetricsObserver) => unknown): void => {
      try {
        isPromiseAside(tell(observer), failed);
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
    const counters = mapNames(COUNTERS, (metric, definition) =>
      pointsOf(this.#counters.get(metric), definition, ({ value }) => ({ value })),
    );
    const histograms = mapNames(HISTOGRAMS, (metric, definition) =>
      pointsOf(this.#histograms.get(metric), definition, (histogram) => histogram.read()),
    );
    return Object.freeze({ counters, histograms });
  }

  #tell(tell: (observer: MetricsObserver) => unknown): void {
    for (const guarded of this.#observers) guarded(tell);
  }
}

/** One point for each pair of label values. */
class Labelled<Point> {
  readonly #rows = new Map<string, Map<string, Point>>();
  readonly #make: () => Point;

  constructor(make: () => Point) {
    this.#make = make;
  }

  at(first: string, second: string): Point {
    const row = valueAt(this.#rows, first, () => new Map<string, Point>());
    return valueAt(row, second, this.#make);
  }

  *entries(): Generator<{ first: string; second: string; point: Point }> {
    for (const [first, row] of this.#rows) {
      for (const [second, point] of row) yield { first, second, point };
    }
  }
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
  definition: MetricDefinition,
  read: (point: Point) => Reading,
): readonly (Reading & { readonly labels: Labels })[] {
  const readings = [...(points?.entries() ?? [])].map(({ first, second, point }) =>
    Object.freeze({ labels: labelsOf(definition, first, second), ...read(point) }),
  );
  return Object.freeze(readings);
}

function labelsOf({ labels }: MetricDefinition, first: string, second: string): Labels {
  const values = [first, second];
  const named = labels.map((label, index) => [label, String(values[index])]);
  return Object.freeze(Object.fromEntries(named));
}

function mapNames<Name extends string, Value>(
  definitions: Readonly<Record<Name, MetricDefinition>>,
  make: (name: Name, definition: MetricDefinition) => Value,
): Readonly<Record<Name, Value>> {
  const names = Object.keys(definitions) as Name[];
  const entries = names.map((name) => [name, make(name, definitions[name])]);
  return Object.freeze(Object.fromEntries(entries));
}
