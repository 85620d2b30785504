import { describe, expect, it } from "vitest";
import {
  CANCEL_PX,
  type Gesture,
  type GestureEvent,
  LOCK_PX,
  type Outcome,
  pressed,
  SHORT_MS,
} from "./gesture";

function play(...events: GestureEvent[]): { gesture: Gesture; outcomes: Outcome[] } {
  let gesture: Gesture = { phase: "idle" };
  const outcomes: Outcome[] = [];
  for (const event of events) {
    const step = pressed(gesture, event);
    gesture = step.gesture;
    if (step.outcome !== null) outcomes.push(step.outcome);
  }
  return { gesture, outcomes };
}

describe("a press on the microphone", () => {
  it("short: goes on until a button ends it", () => {
    const { gesture, outcomes } = play({ type: "press", at: 0 }, { type: "release", at: SHORT_MS - 1 });
    expect(gesture.phase).toBe("locked");
    expect(outcomes).toEqual(["begin"]);
  });
  it("long: is sent when it ends", () => {
    const { gesture, outcomes } = play({ type: "press", at: 0 }, { type: "release", at: SHORT_MS });
    expect(gesture.phase).toBe("idle");
    expect(outcomes).toEqual(["begin", "send"]);
  });
  it("drawn away: is thrown away, and letting go sends nothing", () => {
    const { outcomes } = play(
      { type: "press", at: 0 },
      { type: "move", away: CANCEL_PX, up: 0 },
      { type: "release", at: 5_000 },
    );
    expect(outcomes).toEqual(["begin", "cancel"]);
  });
  it("drawn up: goes on by itself", () => {
    const { gesture, outcomes } = play(
      { type: "press", at: 0 },
      { type: "move", away: 10, up: LOCK_PX },
      { type: "release", at: 5_000 },
      { type: "move", away: 900, up: 0 },
    );
    expect(gesture.phase).toBe("locked");
    expect(outcomes).toEqual(["begin"]);
  });
  it("never begins twice", () => {
    expect(play({ type: "press", at: 0 }, { type: "press", at: 1 }).outcomes).toEqual(["begin"]);
  });
});
