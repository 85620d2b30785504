import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Throttle } from "./throttle";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("passes on the first at once and the newest of the rest when it is time", () => {
  const passed: number[] = [];
  const throttle = new Throttle<number>(1_000, (value) => passed.push(value));
  throttle.offer(1);
  throttle.offer(2);
  throttle.offer(3);
  expect(passed).toEqual([1]);
  vi.advanceTimersByTime(999);
  expect(passed).toEqual([1]);
  vi.advanceTimersByTime(1);
  expect(passed).toEqual([1, 3]);
});

it("what comes after a pause does not wait", () => {
  const passed: number[] = [];
  const throttle = new Throttle<number>(1_000, (value) => passed.push(value));
  throttle.offer(1);
  vi.advanceTimersByTime(5_000);
  throttle.offer(2);
  expect(passed).toEqual([1, 2]);
});

it("is never faster, however many come", () => {
  let passed = 0;
  const throttle = new Throttle<number>(1_000, () => {
    passed += 1;
  });
  for (let time = 0; time < 10_000; time += 50) {
    throttle.offer(time);
    vi.advanceTimersByTime(50);
  }
  expect(passed).toBeLessThanOrEqual(11);
  expect(passed).toBeGreaterThanOrEqual(10);
});

it("passes on nothing after its end", () => {
  const passed: number[] = [];
  const throttle = new Throttle<number>(1_000, (value) => passed.push(value));
  throttle.offer(1);
  throttle.offer(2);
  throttle.end();
  vi.advanceTimersByTime(5_000);
  expect(passed).toEqual([1]);
});
