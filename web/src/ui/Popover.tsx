import type { ReactElement } from "react";
import { Dialog, DialogTrigger } from "react-aria-components/Dialog";
import { Popover as AriaPopover, type PopoverProps } from "react-aria-components/Popover";
import styles from "./Popover.module.css";

/** Something small beside the `trigger` (a button) that opens it. `children` may be a function of what closes it. */
export function Popover({
  label,
  trigger,
  placement = "top start",
  children,
}: {
  label: string;
  trigger: ReactElement;
  placement?: PopoverProps["placement"];
  children: React.ReactNode | ((close: () => void) => React.ReactNode);
}) {
  return (
    <DialogTrigger>
      {trigger}
      <AriaPopover className={styles.popover ?? ""} placement={placement ?? "top start"} offset={8}>
        <Dialog aria-label={label} className={styles.dialog ?? ""}>
          {({ close }) => <>{typeof children === "function" ? children(close) : children}</>}
        </Dialog>
      </AriaPopover>
    </DialogTrigger>
  );
}
