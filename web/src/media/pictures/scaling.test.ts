import { describe, expect, it } from "vitest";
import { bubbleBox, fitEdge, tooLarge, within } from "./scaling";

describe("within", () => {
  it("keeps the proportions", () => {
    expect(within({ width: 4000, height: 3000 }, { width: 800, height: 800 })).toEqual({
      width: 800,
      height: 600,
    });
  });
  it("never makes larger, and never nothing", () => {
    expect(fitEdge({ width: 10, height: 20 }, 100)).toEqual({ width: 10, height: 20 });
    expect(fitEdge({ width: 90_000, height: 1 }, 100)).toEqual({ width: 100, height: 1 });
  });
});

describe("bubbleBox", () => {
  it("has a picture's proportions", () => {
    const box = bubbleBox({ width: 4000, height: 3000 });
    expect(box.width / box.height).toBeCloseTo(4 / 3, 1);
    expect(box.width).toBeLessThanOrEqual(330);
  });
  it("is no line for a panorama, and no tower for a receipt", () => {
    const panorama = bubbleBox({ width: 20_000, height: 500 });
    expect(panorama.height).toBeGreaterThanOrEqual(120);
    const receipt = bubbleBox({ width: 500, height: 20_000 });
    expect(receipt.height).toBeLessThanOrEqual(390);
    expect(receipt.width).toBeGreaterThanOrEqual(120);
  });
  it("leaves room on the smallest picture", () => {
    expect(bubbleBox({ width: 1, height: 1 })).toEqual({ width: 120, height: 120 });
  });
});

it("photographs are made smaller, screenshots of a laptop are not", () => {
  expect(tooLarge({ width: 4032, height: 3024 })).toBe(true);
  expect(tooLarge({ width: 1920, height: 1200 })).toBe(false);
});
