import clsx from "clsx";
import { Button as AriaButton, type ButtonProps as AriaButtonProps } from "react-aria-components/Button";
import styles from "./Button.module.css";
import { drawn, type Icon } from "./icon";
import { Spinner } from "./Spinner";

export interface ButtonProps extends Omit<AriaButtonProps, "children" | "className" | "style"> {
  variant?: "primary" | "quiet" | "danger" | undefined;
  icon?: Icon | undefined;
  /** Takes the whole width. */
  wide?: boolean | undefined;
  className?: string | undefined;
  children: React.ReactNode;
}

/** `isPending` shows that what it began is going on: it keeps its focus and its width, and does nothing. */
export function Button({ variant = "quiet", icon, wide, className, children, ...rest }: ButtonProps) {
  return (
    <AriaButton {...rest} className={clsx(styles.button, styles[variant], wide && styles.wide, className)}>
      <span className={styles.inside}>
        {icon !== undefined && drawn(icon, 18)}
        {children}
      </span>
      {rest.isPending === true && (
        <span className={styles.pending}>
          <Spinner size={18} />
        </span>
      )}
    </AriaButton>
  );
}
