/** How long a story stays on the screen before the next one comes. */
import type { StoryView } from "@/types/socket";

export const SHOWN_MS = 5_000;
const LONGEST_MS = 20_000;
/** Words that are read within `SHOWN_MS`; each character more takes a while. */
const READ_AT_ONCE = 120;
const PER_CHARACTER_MS = 45;

/** Of a video, its own length, as far as that is known. */
export function shownMs(story: StoryView): number {
  const content = story.content as Record<string, unknown>;
  if (story.type === "video")
    return typeof content.duration_ms === "number" && content.duration_ms > 0
      ? content.duration_ms
      : SHOWN_MS;
  const words = typeof content.text === "string" ? content.text : content.caption;
  const more = typeof words === "string" ? Math.max(0, [...words].length - READ_AT_ONCE) : 0;
  return Math.min(LONGEST_MS, SHOWN_MS + more * PER_CHARACTER_MS);
}

/** How much of each segment is filled: those before the current one wholly, those after it not at all. */
export function segments(count: number, current: number, progress: number): number[] {
  return Array.from({ length: count }, (_, index) =>
    index < current ? 1 : index > current ? 0 : Math.min(1, Math.max(0, progress)),
  );
}

export interface Place {
  person: number;
  story: number;
}

/** The next or previous story: of the same person, or of the next one. `null` at the end, and before the beginning it stays. */
export function step(counts: readonly number[], { person, story }: Place, by: -1 | 1): Place | null {
  const count = counts[person] ?? 0;
  if (by === 1) {
    if (story + 1 < count) return { person, story: story + 1 };
    const next = counts.findIndex((stories, index) => index > person && stories > 0);
    return next === -1 ? null : { person: next, story: 0 };
  }
  if (story > 0) return { person, story: story - 1 };
  const before = counts.findLastIndex((stories, index) => index < person && stories > 0);
  return before === -1 ? { person, story: 0 } : { person: before, story: 0 };
}
