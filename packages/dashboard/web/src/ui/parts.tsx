/** A part of a whole as a bar; the text beside it says the same. */
export function Meter({
  part,
  kind = '',
}: {
  readonly part: number;
  readonly kind?: '' | 'warns' | 'fails';
}) {
  const width = Math.max(0, Math.min(1, part)) * 100;
  return (
    <svg class={`meter ${kind}`} viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
      <rect class="track" width="100" height="6" />
      <rect class="part" width={width} height="6" />
    </svg>
  );
}

interface SparkProps {
  readonly values: readonly number[];
  /** What it shows, with its figures. */
  readonly label: string;
  readonly kind?: 'fails';
}

/** Bars of one row of numbers. */
export function Spark({ values, label, kind }: SparkProps) {
  const most = Math.max(1, ...values);
  const width = 100 / Math.max(1, values.length);
  return (
    <svg
      class={kind ? `spark ${kind}` : 'spark'}
      viewBox="0 0 100 28"
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      {values.map((value, index) => {
        const height = value === 0 ? 1 : Math.max(2, (value / most) * 28);
        return (
          <rect
            key={index}
            class={value === 0 ? 'zero' : undefined}
            x={index * width + width * 0.1}
            y={28 - height}
            width={width * 0.8}
            height={height}
          />
        );
      })}
    </svg>
  );
}
