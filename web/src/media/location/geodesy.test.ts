import { describe, expect, it } from "vitest";
import { chart, coordinates, distance, openStreetMap, roundStep } from "./geodesy";

it("knows how far it is", () => {
  const munich = { lat: 48.137, lng: 11.575 };
  expect(distance(munich, munich)).toBe(0);
  expect(distance(munich, { lat: 52.52, lng: 13.405 }) / 1_000).toBeCloseTo(504, -1);
  expect(distance({ lat: 0, lng: 179.999 }, { lat: 0, lng: -179.999 })).toBeLessThan(300);
});

it("counts in round steps", () => {
  expect([0.037, 1, 49, 50, 999].map(roundStep)).toEqual([0.02, 1, 20, 50, 500]);
});

describe("a chart", () => {
  const centre = { lat: 48.137, lng: 11.575 };

  it("has the point in its middle, north above, east to the right", () => {
    const { place } = chart(centre, 10, 300, 150);
    expect(place(centre)).toEqual({ x: 0, y: 0 });
    expect(place({ lat: 48.138, lng: 11.575 }).y).toBeLessThan(0);
    expect(place({ lat: 48.137, lng: 11.576 }).x).toBeGreaterThan(0);
  });
  it("shows a vague place whole", () => {
    for (const accuracy of [5, 80, 3_000, 1_000_000])
      expect(chart(centre, accuracy, 300, 150).radius ?? 0).toBeLessThan(75);
    expect(chart(centre, null, 300, 150).radius).toBeNull();
  });
  it("has lines within it, not too many, wherever it is", () => {
    for (const lat of [0, 48, -70, 89.9, 90]) {
      const { meridians, parallels, scale } = chart({ lat, lng: 179.99 }, 20, 300, 150);
      expect(meridians.length).toBeGreaterThan(1);
      expect(meridians.length).toBeLessThan(30);
      expect(parallels.length).toBeLessThan(20);
      expect(meridians.every((x) => x >= -1 && x <= 301)).toBe(true);
      expect(scale.length).toBeLessThan(150);
    }
  });
});

it("writes coordinates, and the address of a map that somebody may open", () => {
  expect(coordinates({ lat: -33.8567844, lng: 151.2152967 })).toEqual({
    lat: "33.85678°",
    north: false,
    lng: "151.21530°",
    east: true,
  });
  expect(openStreetMap({ lat: -33.8567844, lng: 151.2152967 })).toBe(
    "https://www.openstreetmap.org/?mlat=-33.85678&mlon=151.21530#map=17/-33.85678/151.21530",
  );
});
