import { expect, test } from "vitest";
import { stepTo } from "./stepping";

/** Two months: a line of three and one of two, then a line of one. */
const tiles = [
  [0, 0],
  [100, 0],
  [200, 0],
  [0, 100],
  [100, 100],
  [0, 300],
].map(([left, top]) => {
  const element = document.createElement("button");
  element.getBoundingClientRect = () => ({ left, top }) as DOMRect;
  return element;
});

test.each([
  [0, "ArrowRight", 1],
  [2, "ArrowRight", 3],
  [3, "ArrowLeft", 2],
  [1, "ArrowDown", 4],
  [2, "ArrowDown", 4],
  [4, "ArrowDown", 5],
  [5, "ArrowUp", 3],
  [4, "ArrowUp", 1],
  [3, "Home", 0],
  [3, "End", 5],
])("from %i by %s to %i", (from, key, to) => {
  expect(stepTo(tiles, tiles[from] as HTMLElement, key)).toBe(tiles[to]);
});

test.each([
  [0, "ArrowLeft"],
  [1, "ArrowUp"],
  [5, "ArrowRight"],
  [5, "ArrowDown"],
  [0, "x"],
])("from %i by %s nowhere", (from, key) => {
  expect(stepTo(tiles, tiles[from] as HTMLElement, key)).toBeNull();
});
