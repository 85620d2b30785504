import { useSyncExternalStore } from "react";

/** Below this there is room for one pane only. The same number stands in the media queries. */
const NARROW = "(width < 760px)";

/** Whether the layout is that of a phone: one pane at a time. */
export function useNarrow(): boolean {
  return useMedia(NARROW);
}

export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (changed) => {
      const media = window.matchMedia?.(query);
      media?.addEventListener("change", changed);
      return () => media?.removeEventListener("change", changed);
    },
    () => window.matchMedia?.(query).matches ?? false,
  );
}
