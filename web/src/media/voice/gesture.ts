/**
 * What a press on the microphone means. A short one records until it is ended by a button (`locked`); a long one for as long as it lasts, and what was said is sent
 * when it ends. Drawn towards the text it is thrown away, drawn up it goes on by itself.
 */
export type Gesture =
  | { phase: "idle" }
  | { phase: "held"; since: number; away: number; up: number }
  | { phase: "locked" };

export type GestureEvent =
  | { type: "press"; at: number }
  /** How far the finger is from where it was pressed: towards the text, and up. */
  | { type: "move"; away: number; up: number }
  | { type: "release"; at: number };

export type Outcome = "begin" | "send" | "cancel" | null;

export const SHORT_MS = 450;
export const CANCEL_PX = 110;
export const LOCK_PX = 70;

export function pressed(gesture: Gesture, event: GestureEvent): { gesture: Gesture; outcome: Outcome } {
  switch (event.type) {
    case "press":
      if (gesture.phase !== "idle") return { gesture, outcome: null };
      return { gesture: { phase: "held", since: event.at, away: 0, up: 0 }, outcome: "begin" };
    case "move":
      if (gesture.phase !== "held") return { gesture, outcome: null };
      if (event.away >= CANCEL_PX) return { gesture: { phase: "idle" }, outcome: "cancel" };
      if (event.up >= LOCK_PX) return { gesture: { phase: "locked" }, outcome: null };
      return {
        gesture: { ...gesture, away: Math.max(0, event.away), up: Math.max(0, event.up) },
        outcome: null,
      };
    case "release":
      if (gesture.phase !== "held") return { gesture, outcome: null };
      if (event.at - gesture.since < SHORT_MS) return { gesture: { phase: "locked" }, outcome: null };
      return { gesture: { phase: "idle" }, outcome: "send" };
  }
}
