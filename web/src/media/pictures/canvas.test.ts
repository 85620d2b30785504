import { describe, expect, it } from "vitest";
import { firstThatFits, PLACEHOLDER, POSTER, THUMBNAIL_CHARS } from "./canvas";

describe("a preview is as large as the server takes, and no larger", () => {
  const ofEdge = async ({ edge }: { edge: number }) => "x".repeat(edge * 50);

  it("is the first that fits", async () => {
    expect(await firstThatFits(POSTER, ofEdge)).toHaveLength(240 * 50);
    expect(await firstThatFits(PLACEHOLDER, ofEdge)).toHaveLength(120 * 50);
  });
  it("takes the limit itself, and nothing above it", async () => {
    const one = [{ edge: 1, quality: 1 }];
    expect(await firstThatFits(one, async () => "x".repeat(THUMBNAIL_CHARS))).not.toBeNull();
    expect(await firstThatFits(one, async () => "x".repeat(THUMBNAIL_CHARS + 1))).toBeNull();
  });
  it("is none where nothing fits", async () => {
    expect(await firstThatFits(POSTER, async () => "x".repeat(20_000))).toBeNull();
    expect(await firstThatFits(POSTER, async () => "")).toBeNull();
  });
});
