import { describe, expect, it } from "vitest";
import { loudness, resample, SENT_VALUES, toWaveform, waveformOf } from "./waveform";

describe("loudness", () => {
  it("is nothing for silence and for no samples at all", () => {
    expect(loudness([])).toBe(0);
    expect(loudness(new Float32Array(256))).toBe(0);
  });
  it("is all there is for full scale", () => {
    expect(loudness([1, -1, 1, -1])).toBe(1);
  });
  it("falls as it is heard: a hundredth of the amplitude is 40 of 50 decibels", () => {
    expect(loudness([0.01, -0.01])).toBeCloseTo(0.2, 5);
  });
});

describe("resample", () => {
  it("keeps the loudest of each part", () => {
    expect(resample([1, 9, 2, 3, 8, 4], 3)).toEqual([9, 3, 8]);
  });
  it("repeats what is too little", () => {
    expect(resample([1, 2], 4)).toEqual([1, 1, 2, 2]);
    expect(resample([], 3)).toEqual([0, 0, 0]);
  });
});

describe("toWaveform", () => {
  it("has whole numbers that the server takes, however long the recording", () => {
    const values = toWaveform(Array.from({ length: 100_000 }, (_, index) => Math.abs(Math.sin(index))));
    expect(values).toHaveLength(SENT_VALUES);
    expect(values.every((value) => Number.isInteger(value) && value >= 0 && value <= 255)).toBe(true);
    expect(Math.max(...values)).toBe(255);
  });
  it("has no more values than were measured", () => {
    expect(toWaveform([0.5, 1])).toEqual([128, 255]);
  });
  it("does not make noise of silence", () => {
    expect(toWaveform([0, 0, 0])).toEqual([0, 0, 0]);
    expect(Math.max(...toWaveform([0.01, 0.02]))).toBeLessThan(30);
  });
});

describe("waveformOf", () => {
  it("shows where it is loud", () => {
    const samples = new Float32Array(16_000);
    samples.fill(0.5, 8_000);
    const values = waveformOf(samples, 10);
    expect(values.slice(0, 5)).toEqual([0, 0, 0, 0, 0]);
    expect(values.slice(5).every((value) => value === 255)).toBe(true);
  });
});
