import { useEffect, useState } from "react";

const OFTEN_MS = 10_000;

/** The time, again and again until `until` and at that moment; for what is over it stands still. */
export function useNow(until: number | null): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (until === null) return;
    let timer: ReturnType<typeof setTimeout>;
    const look = () => {
      const at = Date.now();
      setNow(at);
      if (at < until) timer = setTimeout(look, Math.min(OFTEN_MS, until - at));
    };
    look();
    return () => clearTimeout(timer);
  }, [until]);
  return now;
}
