/** Frames by a test's clock, or by the test's own word. */
import type { Frames } from "@/realtime/frames";

const FRAME_MS = 16;

/** One comes a moment later, by the timers that there are. */
export const timedFrames: Frames = {
  next(due) {
    const timer = setTimeout(due, FRAME_MS);
    return () => clearTimeout(timer);
  },
};

/** One comes when the test says so. */
export class HeldFrames implements Frames {
  private waiting = new Set<() => void>();

  next(due: () => void): () => void {
    this.waiting.add(due);
    return () => this.waiting.delete(due);
  }

  get asked(): number {
    return this.waiting.size;
  }

  pass(): void {
    const { waiting } = this;
    this.waiting = new Set();
    for (const due of waiting) due();
  }
}
