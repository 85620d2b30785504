import styles from "./Ring.module.css";

/** More segments than these are too short to be told apart. */
const MOST = 24;
const RADIUS = 48;
const GAP = 0.14;

/** Arcs around a circle, the first at the top; of one alone the whole circle. */
export function arcs(count: number): string[] {
  if (count <= 1)
    return [
      `M50 ${50 - RADIUS}a${RADIUS} ${RADIUS} 0 1 1 0 ${2 * RADIUS}a${RADIUS} ${RADIUS} 0 1 1 0 ${-2 * RADIUS}`,
    ];
  const step = (2 * Math.PI) / count;
  const gap = Math.min(GAP, step * 0.4);
  return Array.from({ length: count }, (_, index) => {
    const from = index * step + gap / 2;
    const to = (index + 1) * step - gap / 2;
    const point = (angle: number) =>
      `${(50 + RADIUS * Math.sin(angle)).toFixed(2)} ${(50 - RADIUS * Math.cos(angle)).toFixed(2)}`;
    return `M${point(from)}A${RADIUS} ${RADIUS} 0 ${to - from > Math.PI ? 1 : 0} 1 ${point(to)}`;
  });
}

/** A segment for each story, the seen ones pale. Of more than can be told apart, the newest. */
export function Ring({ seen, children }: { seen: readonly boolean[]; children: React.ReactNode }) {
  const shown = seen.slice(-MOST);
  return (
    <span className={styles.ring}>
      {children}
      <svg viewBox="0 0 100 100" aria-hidden="true">
        {arcs(shown.length).map((path, index) => (
          <path key={path} d={path} data-seen={shown[index]} />
        ))}
      </svg>
    </span>
  );
}
