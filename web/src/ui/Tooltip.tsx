import { type ReactElement, useEffect, useLayoutEffect, useRef, useState } from "react";
import { createPortal } from "react-dom";
import styles from "./Tooltip.module.css";

const AFTER_MS = 600;
const GAP_PX = 6;

/**
 * What a control is called, for those who see its sign alone: when it is pointed at for a while, or focused by the keyboard. Escape
 * takes it away. It says nothing that the control's accessible name does not, so it is not read a second time.
 */
export function Tooltip({ text, children }: { text: string; children: ReactElement }) {
  const around = useRef<HTMLSpanElement>(null);
  const timer = useRef<number | undefined>(undefined);
  const [shown, setShown] = useState(false);
  const hide = () => {
    window.clearTimeout(timer.current);
    setShown(false);
  };
  useEffect(() => () => window.clearTimeout(timer.current), []);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only looks at what happens to the control within
    <span
      ref={around}
      className={styles.around}
      onPointerEnter={(event) => {
        if (event.pointerType === "touch") return;
        timer.current = window.setTimeout(() => setShown(true), AFTER_MS);
      }}
      onPointerLeave={hide}
      onPointerDown={hide}
      onFocus={(event) => setShown(event.target.matches(":focus-visible"))}
      onBlur={hide}
      onKeyDown={hide}
    >
      {children}
      {shown && around.current !== null && <Bubble text={text} control={around.current} />}
    </span>
  );
}

function Bubble({ text, control }: { text: string; control: Element }) {
  const bubble = useRef<HTMLSpanElement>(null);
  useLayoutEffect(() => {
    const element = bubble.current;
    if (element === null) return;
    const { left, width, top, bottom } = (control.firstElementChild ?? control).getBoundingClientRect();
    const { offsetWidth, offsetHeight } = element;
    const below = bottom + GAP_PX;
    const fits = below + offsetHeight < window.innerHeight;
    const middle = left + width / 2 - offsetWidth / 2;
    element.style.left = `${Math.max(GAP_PX, Math.min(middle, window.innerWidth - offsetWidth - GAP_PX))}px`;
    element.style.top = `${fits ? below : top - GAP_PX - offsetHeight}px`;
  }, [control]);
  return createPortal(
    <span ref={bubble} className={styles.tooltip} aria-hidden="true">
      {text}
    </span>,
    document.body,
  );
}
