import clsx from "clsx";
import styles from "./Badge.module.css";
import { formatCount } from "./format";

/** A number of things that wait, or a word. `label` says what they are to those who hear it. Nothing for 0. */
export function Badge({
  count,
  label,
  muted,
  children,
}: {
  count?: number | undefined;
  label?: string | undefined;
  muted?: boolean | undefined;
  children?: React.ReactNode;
}) {
  if (count === 0) return null;
  return (
    <span className={clsx(styles.badge, muted && styles.muted)}>
      <span aria-hidden={label !== undefined}>{children ?? formatCount(count ?? 0)}</span>
      {label !== undefined && <span className="visually-hidden">{label}</span>}
    </span>
  );
}
