import { useCallback, useEffect, useState } from "react";
import { told } from "@/ui";

/** One thing that is tried and may be refused: whether it is under way, why it was refused, how long to wait before the next try. */
export function useAttempt(act: () => Promise<void>) {
  const [pending, setPending] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [waitMs, setWaitMs] = useState(0);

  useEffect(() => {
    if (waitMs <= 0) return undefined;
    const timer = window.setTimeout(() => setWaitMs(waitMs - 1_000), 1_000);
    return () => window.clearTimeout(timer);
  }, [waitMs]);

  const run = useCallback(async () => {
    setPending(true);
    setError(null);
    try {
      await act();
    } catch (failure) {
      const { problem, retryAfterMs } = told(failure);
      setError(failure);
      setWaitMs(problem === "rate_limited" ? (retryAfterMs ?? 0) : 0);
    } finally {
      setPending(false);
    }
  }, [act]);

  return {
    run,
    pending,
    error,
    clear: () => setError(null),
    waitSeconds: Math.max(0, Math.ceil(waitMs / 1_000)),
  };
}
