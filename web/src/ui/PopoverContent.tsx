import type { RefObject } from "react";
import { Dialog } from "react-aria-components/Dialog";
import { AnchoredPopover } from "./AnchoredPopover";
import type { Placement } from "./Menu";
import styles from "./Popover.module.css";

/** A popover that is open, beside its `anchor`. */
export function PopoverContent({
  label,
  anchor,
  placement,
  onClose,
  children,
}: {
  label: string;
  anchor: RefObject<Element | null>;
  placement: Placement;
  onClose: () => void;
  children: React.ReactNode;
}) {
  return (
    <AnchoredPopover
      anchor={anchor}
      placement={placement}
      offset={8}
      className={styles.popover}
      onClose={onClose}
    >
      <Dialog aria-label={label} className={styles.dialog ?? ""}>
        {children}
      </Dialog>
    </AnchoredPopover>
  );
}
