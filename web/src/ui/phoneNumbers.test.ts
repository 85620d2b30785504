import { expect, test } from "vitest";
import { homeRegion, plainNumber } from "./phoneNumbers";

test.each([
  ["+49 (30) 123-456", "+4930123456"],
  ["0049 30 123456", "+4930123456"],
  ["030 123456", "030123456"],
  ["٠٣٠ ١٢٣", "030123"],
  ["+٩٦٦ ٥٠", "+96650"],
  ["abc", ""],
])("%s is %s", (text, plain) => {
  expect(plainNumber(text)).toBe(plain);
});

test("one is at home where the languages say, or where the first is mostly spoken", () => {
  expect(homeRegion(["en", "de-AT"])).toBe("AT");
  expect(homeRegion(["ar"])).toBe("EG");
  expect(homeRegion([])).toBe("US");
});
