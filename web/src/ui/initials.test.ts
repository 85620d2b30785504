import { expect, test } from "vitest";
import { hueOf, initialsOf } from "./initials";

test.each([
  ["Amara Okafor", "AO"],
  ["ben", "B"],
  ["  Anna  Maria von Berg ", "AB"],
  ["داليا حداد", "د"],
  ["陈伟", "陈"],
  ["🎉 party", "P"],
  ["🎉", "#"],
  ["", ""],
  ["éclair du jour", "ÉJ"],
])("%j: %s", (name, letters) => {
  expect(initialsOf(name)).toBe(letters);
});

test("a name has the same colour always", () => {
  expect(hueOf("Amara")).toBe(hueOf("Amara"));
  expect(new Set(["a", "b", "c", "d", "e", "f", "g", "h"].map(hueOf)).size).toBeGreaterThan(4);
});
