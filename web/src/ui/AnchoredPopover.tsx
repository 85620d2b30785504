import type { RefObject } from "react";
import { Popover, type PopoverProps } from "react-aria-components/Popover";

/** What is open beside its `anchor`, until somebody presses elsewhere. */
export function AnchoredPopover({
  anchor,
  placement,
  offset,
  className,
  onClose,
  children,
}: {
  anchor: RefObject<Element | null>;
  placement: PopoverProps["placement"] & string;
  offset: number;
  className: string | undefined;
  onClose: () => void;
  children: React.ReactNode;
}) {
  return (
    <Popover
      triggerRef={anchor}
      isOpen
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      placement={placement}
      offset={offset}
      className={className ?? ""}
    >
      {children}
    </Popover>
  );
}
