import clsx from "clsx";
import { Button as AriaButton, type ButtonProps } from "react-aria-components/Button";
import styles from "./IconButton.module.css";
import { drawn, type Icon } from "./icon";
import { Tooltip } from "./Tooltip";

export interface IconButtonProps extends Omit<ButtonProps, "children" | "className" | "style"> {
  /** Its accessible name, and its tooltip. */
  label: string;
  icon: Icon;
  variant?: "plain" | "primary" | "danger" | undefined;
  /** For one that switches something: whether it is on. */
  pressed?: boolean | undefined;
  className?: string | undefined;
}

export function IconButton({ label, icon, variant = "plain", pressed, className, ...rest }: IconButtonProps) {
  return (
    <Tooltip text={label}>
      <AriaButton
        {...rest}
        aria-label={label}
        {...(pressed === undefined ? {} : { "aria-pressed": pressed })}
        className={clsx(styles.button, styles[variant], className)}
      >
        {drawn(icon)}
      </AriaButton>
    </Tooltip>
  );
}
