import { type RefObject, useEffect, useRef } from "react";

/**
 * After going to another address, what had the focus may be gone. Then the title of the foremost pane gets it, so that one who hears
 * the page learns where they are and the next Tab begins there. A component that takes the focus itself keeps it.
 */
export function useFocusOnArrival(path: string, panes: RefObject<HTMLElement | null>): void {
  const before = useRef(path);
  useEffect(() => {
    if (before.current === path) return undefined;
    before.current = path;
    const frame = requestAnimationFrame(() => {
      const active = document.activeElement;
      const lost = active === null || active === document.body || active.closest("[inert]") !== null;
      if (!lost) return;
      const shown = [...(panes.current?.querySelectorAll<HTMLElement>("[data-pane]:not([inert])") ?? [])];
      const pane = shown.at(-1);
      (pane?.querySelector<HTMLElement>("[data-pane-title]") ?? pane)?.focus();
    });
    return () => cancelAnimationFrame(frame);
  }, [path, panes]);
}
