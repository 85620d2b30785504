import { describe, expect, it } from "vitest";
import type { StoryView } from "@/types/socket";
import { GROUNDS, groundOf, sizeOf } from "./colours";
import { arcs } from "./Ring";
import { SHOWN_MS, segments, shownMs, step } from "./timing";

const aStory = (type: StoryView["type"], content: Record<string, unknown>) =>
  ({ type, content }) as unknown as StoryView;

describe("how long a story is shown", () => {
  it("five seconds", () => {
    expect(shownMs(aStory("image", { width: 1, height: 1 }))).toBe(5_000);
    expect(shownMs(aStory("text", { text: "hello" }))).toBe(5_000);
  });
  it("a video as long as it is", () => {
    expect(shownMs(aStory("video", { duration_ms: 12_345 }))).toBe(12_345);
    expect(shownMs(aStory("video", { duration_ms: "long" }))).toBe(SHOWN_MS);
  });
  it("many words longer, but not for ever", () => {
    expect(shownMs(aStory("text", { text: "x".repeat(220) }))).toBe(9_500);
    expect(shownMs(aStory("text", { text: "x".repeat(1_000) }))).toBe(20_000);
  });
});

it("segments fill one after another", () => {
  expect(segments(3, 1, 0.4)).toEqual([1, 0.4, 0]);
  expect(segments(1, 0, 7)).toEqual([1]);
});

describe("going on and back", () => {
  const counts = [2, 0, 1];

  it("through somebody's stories, then to the next who has some", () => {
    expect(step(counts, { person: 0, story: 0 }, 1)).toEqual({ person: 0, story: 1 });
    expect(step(counts, { person: 0, story: 1 }, 1)).toEqual({ person: 2, story: 0 });
    expect(step(counts, { person: 2, story: 0 }, 1)).toBeNull();
  });
  it("back in the same way, and no further than the beginning", () => {
    expect(step(counts, { person: 2, story: 0 }, -1)).toEqual({ person: 0, story: 0 });
    expect(step(counts, { person: 0, story: 1 }, -1)).toEqual({ person: 0, story: 0 });
    expect(step(counts, { person: 0, story: 0 }, -1)).toEqual({ person: 0, story: 0 });
  });
});

it("a ring has as many arcs as there are stories", () => {
  expect([1, 2, 7].map((count) => arcs(count).length)).toEqual([1, 2, 7]);
  expect(new Set(arcs(24)).size).toBe(24);
});

it("words have one ground, and fewer of them are larger", () => {
  expect(groundOf("hello")).toBe(groundOf(" hello "));
  for (const text of ["", "a", "مرحبا", "🎉".repeat(500)]) {
    expect(groundOf(text)).toBeGreaterThanOrEqual(0);
    expect(groundOf(text)).toBeLessThan(GROUNDS);
  }
  expect(["hi", "x".repeat(100), "x".repeat(300), "x".repeat(900)].map(sizeOf)).toEqual([
    "xl",
    "l",
    "m",
    "s",
  ]);
});
