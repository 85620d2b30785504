import type { RefObject } from "react";
import { Menu as AriaMenu, MenuItem as AriaMenuItem } from "react-aria-components/Menu";
import type { PopoverProps } from "react-aria-components/Popover";
import { Separator } from "react-aria-components/Separator";
import { AnchoredPopover } from "./AnchoredPopover";
import styles from "./Menu.module.css";
import { MenuParts } from "./menuParts";

const PARTS = { Item: AriaMenuItem, Separator };

/** A menu that is open, beside its `anchor`. */
export function MenuPopover({
  label,
  anchor,
  placement,
  offset,
  onClose,
  children,
}: {
  label: string;
  anchor: RefObject<Element | null>;
  placement: PopoverProps["placement"] & string;
  offset: number;
  onClose: () => void;
  children: React.ReactNode;
}) {
  return (
    <AnchoredPopover
      anchor={anchor}
      placement={placement}
      offset={offset}
      className={styles.popover}
      onClose={onClose}
    >
      <MenuParts value={PARTS}>
        <AriaMenu aria-label={label} autoFocus="first" onClose={onClose} className={styles.menu ?? ""}>
          {children}
        </AriaMenu>
      </MenuParts>
    </AnchoredPopover>
  );
}
