import { describe, expect, it } from "vitest";
import { documentFile, picture, place, recording, thumbnailUrl } from "./content";

describe("what others have written is looked at before it is shown", () => {
  it("previews are pictures and nothing else", () => {
    expect(thumbnailUrl("/9j/4AAQ")).toBe("data:image/jpeg;base64,/9j/4AAQ");
    expect(thumbnailUrl("UklGRhA=")).toBe("data:image/webp;base64,UklGRhA=");
    expect(thumbnailUrl('"><script>')).toBeNull();
    expect(thumbnailUrl(42)).toBeNull();
  });
  it("pictures have a size", () => {
    expect(picture({ width: "wide", height: Number.NaN })).toMatchObject({
      width: 4,
      height: 3,
      caption: "",
    });
    expect(picture({ width: 0, height: -3 })).toMatchObject({ width: 1, height: 1 });
  });
  it("waveforms stay within their range", () => {
    expect(recording({ duration_ms: -1, waveform: [-5, 300, "x", 12] })).toEqual({
      durationMs: 0,
      waveform: [0, 255, 0, 12],
    });
    expect(recording({}).waveform).toEqual([]);
  });
  it("documents have a name, if only an empty one", () => {
    expect(documentFile({ filename: null, size: "big" })).toEqual({ filename: "", size: 0, caption: "" });
  });
  it("places are on the globe", () => {
    expect(place({ lat: 91, lng: 0 })).toBeNull();
    expect(place({ lat: "1", lng: 0 })).toBeNull();
    expect(place({ lat: 1.5, lng: 2.5, accuracy: 10, live_until: "2026-01-01T00:00:00.000Z" })).toEqual({
      lat: 1.5,
      lng: 2.5,
      accuracy: 10,
      liveUntil: Date.UTC(2026, 0, 1),
    });
    expect(place({ lat: 1, lng: 2, live_until: "soon" })?.liveUntil).toBeNull();
  });
});
