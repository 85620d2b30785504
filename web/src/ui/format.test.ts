import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  formatBytes,
  formatCount,
  formatDay,
  formatDuration,
  formatListTime,
  formatRelative,
  formatTime,
  regional,
} from "./format";

const NOW = new Date(2026, 2, 18, 15, 30);
const at = (...parts: [number, number, number, number?, number?]) => new Date(...parts);

beforeEach(() => {
  document.documentElement.lang = "en";
});
afterEach(() => {
  document.documentElement.lang = "";
});

describe("a day is", () => {
  test.each([
    [at(2026, 2, 18, 0, 1), "Today"],
    [at(2026, 2, 17, 23, 59), "Yesterday"],
    [at(2026, 2, 16, 12), "Monday"],
    [at(2026, 2, 3, 12), "March 3"],
    [at(2025, 11, 31, 12), "December 31, 2025"],
  ])("%s: %s", (time, words) => {
    expect(formatDay(time, NOW)).toBe(words);
  });
});

test("the list of chats has the time of today, the day of this week, the date of before", () => {
  expect(formatListTime(at(2026, 2, 18, 9, 5), NOW)).toBe(formatTime(at(2026, 2, 18, 9, 5)));
  expect(formatListTime(at(2026, 2, 14, 9), NOW)).toBe("Saturday");
  expect(formatListTime(at(2026, 0, 2, 9), NOW)).toBe("01/02/2026");
});

test.each([
  [at(2026, 2, 18, 15, 30), "now"],
  [at(2026, 2, 18, 15, 20), "10 minutes ago"],
  [at(2026, 2, 18, 11, 30), "4 hours ago"],
  [at(2026, 2, 17, 8), "yesterday"],
  [at(2026, 2, 15, 8), "3 days ago"],
  [at(2026, 1, 1, 8), "February 1"],
])("%s was %s", (time, words) => {
  expect(formatRelative(time, NOW)).toBe(words);
});

test.each([
  ["en", ["en-GB", "en"], "15:30", "18/03/2026"],
  ["en", ["ar-EG", "en-US"], "3:30 PM", "03/18/2026"],
  ["ar", ["ar-SA"], "3:30 م", "18/03/2026"],
  ["en", ["ar"], "3:30 PM", "03/18/2026"],
])("%s in a browser of %s", (language, languages, time, date) => {
  const tag = regional(language, languages);
  const plain = (text: string) =>
    text.replaceAll(/[\u200e\u200f\u202f]/gu, (one) => (one === "\u202f" ? " " : ""));
  expect(plain(new Intl.DateTimeFormat(tag, { hour: "numeric", minute: "2-digit" }).format(NOW))).toBe(time);
  expect(
    plain(new Intl.DateTimeFormat(tag, { day: "2-digit", month: "2-digit", year: "numeric" }).format(NOW)),
  ).toBe(date);
});

test("a clock that is ahead does not bring things from the future", () => {
  expect(formatRelative(at(2026, 2, 18, 15, 31), NOW)).toBe("now");
});

test.each([
  [0, "0 bytes"],
  [999, "999 bytes"],
  [1_000, "1 kB"],
  [1_450_000, "1.5 MB"],
  [250_000_000, "250 MB"],
  [5e12, "5,000 GB"],
])("%d bytes are %s", (bytes, words) => {
  expect(formatBytes(bytes)).toBe(words);
});

test.each([
  [0, "0:00"],
  [7_400, "0:07"],
  [65_000, "1:05"],
  [3_725_000, "1:02:05"],
])("%d ms are %s", (ms, words) => {
  expect(formatDuration(ms)).toBe(words);
});

test("a large number is cut short where there is little room", () => {
  expect([formatCount(7), formatCount(999), formatCount(1_000), formatCount(150, 99)]).toEqual([
    "7",
    "999",
    "999+",
    "99+",
  ]);
});

test("another language has other words at once", () => {
  expect(formatDay(NOW, NOW)).toBe("Today");
  document.documentElement.lang = "ar";
  expect(formatDay(NOW, NOW)).toBe("اليوم");
});
