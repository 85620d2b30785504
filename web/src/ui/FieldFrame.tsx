import clsx from "clsx";
import { CircleAlert } from "lucide-react";
import styles from "./FieldFrame.module.css";

/** What every field has around it: its name, what it is for, what is wrong. The ids are `id`, `id-description`, `id-error`. */
export function FieldFrame({
  id,
  label,
  labelHidden,
  description,
  error,
  children,
}: {
  id: string;
  label: string;
  labelHidden?: boolean | undefined;
  description?: React.ReactNode;
  error?: string | undefined;
  children: React.ReactNode;
}) {
  return (
    <div className={styles.field}>
      <label htmlFor={id} className={clsx(styles.label, labelHidden && "visually-hidden")}>
        {label}
      </label>
      <div className={clsx(styles.box, error !== undefined && styles.wrong)}>{children}</div>
      {error !== undefined && (
        <p id={`${id}-error`} className={styles.error} role="alert">
          <CircleAlert size={15} aria-hidden="true" />
          <span>{error}</span>
        </p>
      )}
      {description !== undefined && (
        <div id={`${id}-description`} className={styles.description}>
          {description}
        </div>
      )}
    </div>
  );
}
