import clsx from "clsx";
import { cloneElement, lazy, type ReactElement, Suspense, use, useRef, useState } from "react";
import { drawn, type Icon } from "./icon";
import styles from "./Menu.module.css";
import { MenuParts } from "./menuParts";

export const MenuPopover = lazy(() =>
  import("./MenuPopover").then((module) => ({ default: module.MenuPopover })),
);

export type Placement = "bottom end" | "bottom start" | "top end" | "top start" | "bottom" | "top";

interface Trigger {
  onPress?: () => void;
  "aria-haspopup"?: "menu" | "dialog";
  "aria-expanded"?: boolean;
}

/** What a `trigger` (a button) opens: `MenuItem`s. */
export function Menu({
  label,
  trigger,
  placement = "bottom end",
  children,
}: {
  label: string;
  trigger: ReactElement;
  placement?: Placement | undefined;
  children: React.ReactNode;
}) {
  const anchor = useRef<HTMLSpanElement>(null);
  const [open, setOpen] = useState(false);
  return (
    <>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the button within has its own role, and the arrow is one more way to press it */}
      <span
        ref={anchor}
        className={styles.trigger}
        onKeyDown={(event) => {
          if (event.key !== "ArrowDown") return;
          event.preventDefault();
          setOpen(true);
        }}
      >
        {cloneElement(trigger as ReactElement<Trigger>, {
          onPress: () => setOpen(true),
          "aria-haspopup": "menu",
          "aria-expanded": open,
        })}
      </span>
      {open && (
        <Suspense>
          <MenuPopover
            label={label}
            anchor={anchor}
            placement={placement}
            offset={4}
            onClose={() => setOpen(false)}
          >
            {children}
          </MenuPopover>
        </Suspense>
      )}
    </>
  );
}

function useParts() {
  const parts = use(MenuParts);
  if (parts === null) throw new Error("a menu's item outside of a menu");
  return parts;
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
  const { Item } = useParts();
  return (
    <Item
      textValue={children}
      onAction={onAction}
      isDisabled={isDisabled === true}
      className={clsx(styles.item, danger && styles.danger)}
    >
      {icon !== undefined && drawn(icon, 18)}
      <span>{children}</span>
    </Item>
  );
}

/** A line between items that do different kinds of things. */
export function MenuSeparator() {
  const { Separator } = useParts();
  return <Separator className={styles.separator ?? ""} />;
}
