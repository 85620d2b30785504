import { type RefObject, useEffect, useRef } from "react";

/** So far before the end of what is there, more is asked for. */
const AHEAD = "600px";

/** Calls `onSight` when the element is nearly in sight, as long as it is `wanted`; again when it still is after more has come. */
export function useEndInSight(wanted: boolean, onSight: () => void): RefObject<HTMLDivElement | null> {
  const end = useRef<HTMLDivElement>(null);
  const latest = useRef(onSight);
  latest.current = onSight;
  useEffect(() => {
    if (!wanted || end.current === null) return undefined;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) latest.current();
      },
      { rootMargin: AHEAD },
    );
    observer.observe(end.current);
    return () => observer.disconnect();
  }, [wanted]);
  return end;
}
