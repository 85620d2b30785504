/**
 * Frames of a page, so far apart that showing what comes takes up a part of the time only: a device that is slow at it shows more at a time, and keys
 * and presses have their turn in between. Where the page is not seen there are no frames, and nothing is to be waited for.
 */
import type { Frames } from "../frames";

/** Shown within this, every frame has something new. */
const EASY_MS = 6;
/** After what took longer, so many times as long is left to everything else; */
const REST = 2;
/** but no longer than one would notice as a delay. */
const MOST_REST_MS = 120;
/** A browser that makes no frame for so long, though the page is to be seen, may not make any. */
const NO_FRAME_MS = 250;

export const browserFrames: Frames = {
  next(due) {
    const over = new AbortController();
    const { signal } = over;
    const now = () => {
      if (signal.aborted) return;
      over.abort();
      due();
    };
    if (document.hidden) asTask(now, signal);
    else {
      const began = performance.now();
      document.addEventListener("visibilitychange", now, { signal });
      // A timer that is due now comes when what is shown now has been rendered.
      after(0, signal, () => {
        const rest = restOf(performance.now() - began);
        if (rest === 0) frame(now, signal);
        else after(rest, signal, () => frame(now, signal));
      });
    }
    return () => over.abort();
  },
};

function restOf(tookMs: number): number {
  return tookMs <= EASY_MS ? 0 : Math.min(MOST_REST_MS, tookMs * REST);
}

function after(ms: number, signal: AbortSignal, done: () => void): void {
  const timer = setTimeout(done, ms);
  signal.addEventListener("abort", () => clearTimeout(timer));
}

function frame(done: () => void, signal: AbortSignal): void {
  const asked = requestAnimationFrame(done);
  signal.addEventListener("abort", () => cancelAnimationFrame(asked));
  after(NO_FRAME_MS, signal, done);
}

/** Timers of a page that is not seen may be a minute late. */
function asTask(done: () => void, signal: AbortSignal): void {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = done;
  signal.addEventListener("abort", () => port1.close());
  port2.postMessage(null);
}
