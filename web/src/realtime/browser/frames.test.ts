/** When a page shows what has come. Its clock is the test's; what is rendered takes as long as the test says. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { browserFrames } from "./frames";

let hidden: boolean;
let rendered: number;

beforeEach(() => {
  hidden = false;
  rendered = 0;
  vi.useFakeTimers();
  vi.spyOn(document, "hidden", "get").mockImplementation(() => hidden);
  vi.spyOn(performance, "now").mockImplementation(() => Date.now() + rendered);
});

afterEach(() => {
  vi.useRealTimers();
});

/** How long the page does other things after it has rendered something that took so long. */
function rests(tookMs: number): number {
  const due = vi.fn();
  browserFrames.next(due);
  rendered += tookMs;
  const began = Date.now();
  while (due.mock.calls.length === 0) vi.advanceTimersByTime(1);
  expect(vi.getTimerCount()).toBe(0);
  return Date.now() - began;
}

test("what is shown quickly is shown with every frame", () => {
  expect(rests(1)).toBeLessThanOrEqual(17);
  expect(rests(6)).toBeLessThanOrEqual(17);
});

test("where showing takes long, twice as long is left to everything else, and never more than one would notice", () => {
  expect(rests(30)).toBeGreaterThanOrEqual(60);
  expect(rests(30)).toBeLessThanOrEqual(60 + 17);
  expect(rests(5_000)).toBeLessThanOrEqual(120 + 17);
});

test("a page that is not seen waits for no frame and no timer", async () => {
  hidden = true;
  const asked = vi.spyOn(window, "requestAnimationFrame");
  await new Promise<void>((due) => browserFrames.next(due));
  expect(asked).not.toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(0);
});

test("a page that is hidden while it waits for a frame waits no longer, and is told once", () => {
  const due = vi.fn();
  browserFrames.next(due);
  hidden = true;
  document.dispatchEvent(new Event("visibilitychange"));
  expect(due).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(1_000);
  document.dispatchEvent(new Event("visibilitychange"));
  expect(due).toHaveBeenCalledTimes(1);
});

test("a page that makes no frames is shown what comes all the same", () => {
  vi.spyOn(window, "requestAnimationFrame").mockReturnValue(1);
  const due = vi.fn();
  browserFrames.next(due);
  vi.advanceTimersByTime(300);
  expect(due).toHaveBeenCalledTimes(1);
});

test("what is called off does not come, at whatever point it is", () => {
  const due = vi.fn();
  for (const waited of [0, 1, 5]) {
    const callOff = browserFrames.next(due);
    vi.advanceTimersByTime(waited);
    callOff();
  }
  vi.advanceTimersByTime(1_000);
  expect(due).not.toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(0);
});
