import styles from "./EmptyState.module.css";
import { drawn, type Icon } from "./icon";

/** There is nothing here yet: why, and what one can do about it. */
export function EmptyState({
  icon,
  title,
  children,
}: {
  icon: Icon;
  title: string;
  children?: React.ReactNode;
}) {
  return (
    <div className={styles.empty}>
      <div className={styles.icon}>{drawn(icon, 30)}</div>
      <h2 className={styles.title}>{title}</h2>
      {children !== undefined && <div className={styles.body}>{children}</div>}
    </div>
  );
}
