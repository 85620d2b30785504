import { expect, test } from "vitest";
import { aMessage } from "@/testing/realtime";
import { byMonth } from "./months";

const sent = (seq: number, month: number, day: number) =>
  aMessage({ seq, created_at: new Date(2026, month, day, 12).toISOString() });

test("what was sent in one month stands together, newest first", () => {
  const months = byMonth([sent(4, 2, 1), sent(3, 1, 28), sent(2, 1, 1), sent(1, -11, 1)]);
  expect(months.map(({ messages }) => messages.map(({ seq }) => seq))).toEqual([[4], [3, 2], [1]]);
  expect(byMonth([])).toEqual([]);
});

test("the same month of another year is another one", () => {
  expect(byMonth([sent(2, 1, 1), sent(1, -11, 1)])).toHaveLength(2);
});
