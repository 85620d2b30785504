/** What of the connection's state is worth showing, and when. */
import { useEffect, useState } from "react";
import type { ConnectionState } from "@/realtime/realtime";

/** A connection that is back so soon need not be spoken of. */
export const UNNOTICED_MS = 1_000;

export type Shown =
  | { kind: "offline" }
  | { kind: "connecting" }
  | { kind: "retry"; inSeconds: number }
  | { kind: "catching-up" }
  | null;

export function shownConnection(state: ConnectionState, now: number): Shown {
  switch (state.status) {
    case "offline":
      return { kind: "offline" };
    case "connecting": {
      const seconds = state.retryAt === null ? 0 : Math.ceil((state.retryAt - now) / 1_000);
      return seconds > 0 ? { kind: "retry", inSeconds: seconds } : { kind: "connecting" };
    }
    case "catching-up":
      return { kind: "catching-up" };
    default:
      return null;
  }
}

/** The same, not before it has lasted, and counting down. */
export function useShownConnection(state: ConnectionState): Shown {
  const up = state.status === "online" || state.status === "signed-out";
  const [lasting, setLasting] = useState(false);
  const [now, setNow] = useState(Date.now);
  const counting = state.status === "connecting" && state.retryAt !== null;

  useEffect(() => {
    setLasting(false);
    if (up) return undefined;
    const timer = window.setTimeout(() => setLasting(true), UNNOTICED_MS);
    return () => window.clearTimeout(timer);
  }, [up]);
  useEffect(() => {
    setNow(Date.now());
    if (!counting) return undefined;
    const timer = window.setInterval(() => setNow(Date.now()), 500);
    return () => window.clearInterval(timer);
  }, [counting]);
  return lasting && !up ? shownConnection(state, now) : null;
}
