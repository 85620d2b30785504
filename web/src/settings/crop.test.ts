import { expect, test } from "vitest";
import { pushed, squareOf, WHOLE, zoomed } from "./crop";

test("at first it is the middle of the picture, as large as it can be", () => {
  expect(squareOf(WHOLE, 400, 300)).toEqual({ side: 300, left: 50, top: 0 });
  expect(squareOf(WHOLE, 300, 400)).toEqual({ side: 300, left: 0, top: 50 });
});

test("a closer look is a smaller square about the same middle", () => {
  expect(squareOf(zoomed(WHOLE, 2), 400, 400)).toEqual({ side: 200, left: 100, top: 100 });
});

test("it never leaves the picture, however far it is pushed or how close it was", () => {
  for (const [dx, dy] of [
    [9, 9],
    [-9, 9],
    [9, -9],
    [-9, -9],
  ] as const) {
    for (const zoom of [0, 1, 2.5, 99]) {
      const { left, top, side } = squareOf(pushed(zoomed(WHOLE, zoom), dx, dy, 640, 480), 640, 480);
      expect(left).toBeGreaterThanOrEqual(0);
      expect(top).toBeGreaterThanOrEqual(0);
      expect(left + side).toBeLessThanOrEqual(640);
      expect(top + side).toBeLessThanOrEqual(480);
    }
  }
});

test("pushing against an edge leaves nothing to be pushed back first", () => {
  const edge = pushed(zoomed(WHOLE, 2), -9, 0, 400, 400);
  expect(squareOf(edge, 400, 400).left).toBe(200);
  expect(squareOf(pushed(edge, 0.5, 0, 400, 400), 400, 400).left).toBe(100);
});
