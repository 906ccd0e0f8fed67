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
