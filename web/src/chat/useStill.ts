/** What somebody presses stays under the pointer until they let go: a list that moved on meanwhile would take it away, and the press would do nothing. */
import { useEffect, useRef, useState } from "react";

/** A touch becomes a click a little after the finger is gone. */
const CLICK_MS = 50;

/** The value as it was when the press began, for as long as it lasts; and what tells of one. */
export function useStill<T>(value: T): [T, (event: React.PointerEvent) => void] {
  const [pressed, setPressed] = useState(false);
  const shown = useRef(value);
  if (!pressed) shown.current = value;

  useEffect(() => {
    if (!pressed) return;
    const end = new AbortController();
    const letGo = () => {
      window.clearTimeout(timer);
      timer = window.setTimeout(() => setPressed(false), CLICK_MS);
    };
    let timer: number | undefined;
    for (const name of ["pointerup", "pointercancel", "blur"])
      window.addEventListener(name, letGo, { signal: end.signal });
    return () => {
      end.abort();
      window.clearTimeout(timer);
    };
  }, [pressed]);

  const onPointerDown = (event: React.PointerEvent) => {
    // A scroll bar is pressed for another reason, and not every browser says when it is let go.
    if (event.button === 0 && event.target !== event.currentTarget) setPressed(true);
  };
  return [shown.current, onPointerDown];
}
