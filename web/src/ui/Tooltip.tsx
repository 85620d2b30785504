import type { ReactElement } from "react";
import { Tooltip as AriaTooltip, type TooltipProps, TooltipTrigger } from "react-aria-components/Tooltip";
import styles from "./Tooltip.module.css";

/** What a control does, in a word or two, when it is pointed at or focused. `children` is a react-aria control. */
export function Tooltip({
  text,
  placement = "bottom",
  children,
}: {
  text: React.ReactNode;
  placement?: TooltipProps["placement"];
  children: ReactElement;
}) {
  return (
    <TooltipTrigger delay={600} closeDelay={80}>
      {children}
      <AriaTooltip className={styles.tooltip ?? ""} placement={placement} offset={6}>
        {text}
      </AriaTooltip>
    </TooltipTrigger>
  );
}
