import { cloneElement, lazy, type ReactElement, Suspense, useRef, useState } from "react";
import type { Placement } from "./Menu";
import styles from "./Popover.module.css";

const PopoverContent = lazy(() =>
  import("./PopoverContent").then((module) => ({ default: module.PopoverContent })),
);

interface Trigger {
  onPress?: () => void;
  "aria-haspopup"?: "dialog";
  "aria-expanded"?: boolean;
}

/** Something small beside the `trigger` (a button) that opens it. `children` may be a function of what closes it. */
export function Popover({
  label,
  trigger,
  placement = "top start",
  children,
}: {
  label: string;
  trigger: ReactElement;
  placement?: Placement | undefined;
  children: React.ReactNode | ((close: () => void) => React.ReactNode);
}) {
  const anchor = useRef<HTMLSpanElement>(null);
  const [open, setOpen] = useState(false);
  const close = () => setOpen(false);
  return (
    <>
      <span ref={anchor} className={styles.trigger}>
        {cloneElement(trigger as ReactElement<Trigger>, {
          onPress: () => setOpen(true),
          "aria-haspopup": "dialog",
          "aria-expanded": open,
        })}
      </span>
      {open && (
        <Suspense>
          <PopoverContent label={label} anchor={anchor} placement={placement} onClose={close}>
            {typeof children === "function" ? children(close) : children}
          </PopoverContent>
        </Suspense>
      )}
    </>
  );
}
