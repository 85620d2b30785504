import clsx from "clsx";
import type { ReactElement } from "react";
import { Menu as AriaMenu, MenuItem as AriaMenuItem, MenuTrigger } from "react-aria-components/Menu";
import { Popover, type PopoverProps } from "react-aria-components/Popover";
import { Separator } from "react-aria-components/Separator";
import { drawn, type Icon } from "./icon";
import styles from "./Menu.module.css";

/** What a `trigger` (a button) opens: `MenuItem`s. */
export function Menu({
  label,
  trigger,
  placement = "bottom end",
  children,
}: {
  label: string;
  trigger: ReactElement;
  placement?: PopoverProps["placement"];
  children: React.ReactNode;
}) {
  return (
    <MenuTrigger>
      {trigger}
      <Popover className={styles.popover ?? ""} placement={placement ?? "bottom end"} offset={4}>
        <MenuItems label={label}>{children}</MenuItems>
      </Popover>
    </MenuTrigger>
  );
}

/** The items themselves, in whatever popover. `onClose` is called when one has been chosen. */
export function MenuItems({
  label,
  onClose,
  children,
}: {
  label: string;
  onClose?: () => void;
  children: React.ReactNode;
}) {
  return (
    <AriaMenu
      aria-label={label}
      autoFocus="first"
      className={styles.menu ?? ""}
      {...(onClose === undefined ? {} : { onClose })}
    >
      {children}
    </AriaMenu>
  );
}

export function MenuItem({
  icon,
  onAction,
  danger,
  isDisabled,
  children,
}: {
  icon?: Icon | undefined;
  onAction: () => void;
  danger?: boolean | undefined;
  isDisabled?: boolean | undefined;
  /** Its words; a string, so that typing finds it. */
  children: string;
}) {
  return (
    <AriaMenuItem
      textValue={children}
      onAction={onAction}
      isDisabled={isDisabled === true}
      className={clsx(styles.item, danger && styles.danger)}
    >
      {icon !== undefined && drawn(icon, 18)}
      <span>{children}</span>
    </AriaMenuItem>
  );
}

/** A line between items that do different kinds of things. */
export function MenuSeparator() {
  return <Separator className={styles.separator ?? ""} />;
}
