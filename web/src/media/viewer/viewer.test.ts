import { describe, expect, it } from "vitest";
import { aMessage } from "@/testing/realtime";
import { gallery, neighbour } from "./gallery";
import { contained, panned, WHOLE, zoomed } from "./zoom";

describe("a gallery", () => {
  const items = gallery([
    aMessage({ seq: 1, type: "image", media_id: "a" }),
    aMessage({ seq: 2 }),
    aMessage({ seq: 3, type: "image", media_id: "b", deleted: true }),
    aMessage({ seq: 4, type: "video", media_id: "c" }),
    aMessage({ seq: 5, type: "document", media_id: "d" }),
    aMessage({ seq: 6, type: "image", media_id: "e" }),
  ]);

  it("has what can be looked at", () => expect(items.map(({ seq }) => seq)).toEqual([1, 4, 6]));
  it("goes on and back, and ends", () => {
    expect(neighbour(items, 1, 1)?.seq).toBe(4);
    expect(neighbour(items, 6, -1)?.seq).toBe(4);
    expect(neighbour(items, 6, 1)).toBeNull();
    expect(neighbour(items, 1, -1)).toBeNull();
  });
  it("goes on from one that has been deleted meanwhile", () => {
    expect(neighbour(items, 3, 1)?.seq).toBe(4);
    expect(neighbour(items, 3, -1)?.seq).toBe(1);
  });
});

describe("zooming", () => {
  const picture = { width: 800, height: 600 };
  const screen = { width: 1000, height: 600 };

  it("keeps what is under the pointer there", () => {
    const zoom = zoomed(WHOLE, 2, { x: 100, y: 50 }, picture, screen);
    expect(zoom).toEqual({ scale: 2, x: -100, y: -50 });
  });
  it("ends where it is whole, in the middle", () => {
    const near = zoomed(WHOLE, 3, { x: 300, y: 0 }, picture, screen);
    expect(zoomed(near, 0.1, { x: 0, y: 0 }, picture, screen)).toEqual(WHOLE);
  });
  it("does not go on for ever", () => {
    let zoom = WHOLE;
    for (let step = 0; step < 50; step += 1) zoom = zoomed(zoom, 1.5, { x: 0, y: 0 }, picture, screen);
    expect(zoom.scale).toBe(8);
  });
  it("does not lose the picture", () => {
    const near = zoomed(WHOLE, 2, { x: 0, y: 0 }, picture, screen);
    expect(panned(near, { x: 9_999, y: -9_999 }, picture, screen)).toEqual({ scale: 2, x: 300, y: -300 });
  });
  it("shows all of a large picture, and a small one as it is", () => {
    expect(contained({ width: 4_000, height: 1_000 }, screen)).toEqual({ width: 1_000, height: 250 });
    expect(contained({ width: 40, height: 10 }, screen)).toEqual({ width: 40, height: 10 });
  });
});
