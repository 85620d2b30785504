import clsx from "clsx";
import styles from "./Spinner.module.css";

/** Something is going on. With a `label`, screen readers are told so. */
export function Spinner({ size = 24, label, center }: { size?: number; label?: string; center?: boolean }) {
  const circle = (
    <svg className={styles.spinner} width={size} height={size} viewBox="0 0 24 24" aria-hidden="true">
      <circle className={styles.track} cx="12" cy="12" r="9.5" />
      <path className={styles.arc} d="M12 2.5a9.5 9.5 0 0 1 9.5 9.5" />
    </svg>
  );
  if (label === undefined && center !== true) return circle;
  return (
    <span className={clsx(styles.box, center && styles.center)} role="status">
      {circle}
      {label !== undefined && <span className={styles.label}>{label}</span>}
    </span>
  );
}
