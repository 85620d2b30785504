import { beforeEach, describe, expect, it } from "vitest";
import { takeFloor } from "../floor";
import { nextRate, Player, type Track } from "./player";
import { bars, soughtBy } from "./Waveform";

/** An element that plays when it is told to, and nothing by itself. */
class FakeAudio {
  static all: FakeAudio[] = [];
  src = "";
  currentTime = 0;
  playbackRate = 1;
  paused = true;
  error: unknown = null;
  onended: (() => void) | null = null;
  onerror: (() => void) | null = null;
  constructor() {
    FakeAudio.all.push(this);
  }
  async play() {
    this.paused = false;
  }
  pause() {
    this.paused = true;
  }
  removeAttribute() {
    this.src = "";
  }
}

const last = () => FakeAudio.all.at(-1) as FakeAudio;
const track = (key: string, locate: Track["locate"] = async () => `url:${key}`): Track => ({
  key,
  locate,
  durationMs: 10_000,
});
const newPlayer = () => new Player(() => new FakeAudio() as unknown as HTMLAudioElement);

beforeEach(() => {
  FakeAudio.all = [];
  localStorage.clear();
});

describe("a player", () => {
  it("plays one recording at a time", async () => {
    const player = newPlayer();
    await player.play(track("a"));
    const first = last();
    await player.play(track("b"));
    expect(first.paused).toBe(true);
    expect(last()).toMatchObject({ src: "url:b", paused: false });
    expect(player.state.getState()).toMatchObject({ key: "b", status: "playing" });
  });
  it("is paused by whatever else begins to make a sound", async () => {
    const player = newPlayer();
    await player.play(track("a"));
    takeFloor(() => undefined);
    expect(last().paused).toBe(true);
    expect(player.state.getState().status).toBe("paused");
  });
  it("goes on where it was paused, with the same element", async () => {
    const player = newPlayer();
    await player.play(track("a"));
    last().currentTime = 4;
    player.pause();
    await player.play(track("a"));
    expect(FakeAudio.all).toHaveLength(1);
    expect(last()).toMatchObject({ currentTime: 4, paused: false });
  });
  it("begins where it was put before it was played", async () => {
    const player = newPlayer();
    player.seek(track("a"), 7_000);
    expect(FakeAudio.all).toHaveLength(0);
    await player.play(track("a"));
    expect(last().currentTime).toBe(7);
  });
  it("is at its beginning again when it has ended", async () => {
    const player = newPlayer();
    await player.play(track("a"));
    last().onended?.();
    expect(player.state.getState()).toMatchObject({ status: "idle", positionMs: 0 });
  });
  it("gets another URL, once, when the first has expired, and goes on from there", async () => {
    const player = newPlayer();
    const asked: boolean[] = [];
    const expiring = track("a", async (again) => {
      asked.push(again);
      return again ? "url:new" : "url:old";
    });
    await player.play(expiring);
    player.seek(expiring, 3_000);
    last().onerror?.();
    await Promise.resolve();
    await Promise.resolve();
    expect(asked).toEqual([false, true]);
    expect(last()).toMatchObject({ src: "url:new", currentTime: 3 });
    last().onerror?.();
    expect(player.state.getState().status).toBe("failed");
    expect(asked).toHaveLength(2);
  });
  it("says that a recording cannot be had, and tries again when it is pressed", async () => {
    const player = newPlayer();
    let there = false;
    const lost = track("a", async () => {
      if (!there) throw new TypeError("no network");
      return "url:a";
    });
    await player.play(lost);
    expect(player.state.getState().status).toBe("failed");
    there = true;
    await player.play(lost);
    expect(player.state.getState().status).toBe("playing");
  });
  it("remembers how fast one listens", async () => {
    const player = newPlayer();
    await player.play(track("a"));
    player.setRate(1.5);
    expect(last().playbackRate).toBe(1.5);
    const next = newPlayer();
    await next.play(track("b"));
    expect(last().playbackRate).toBe(1.5);
    expect([1, 1.5, 2, 7].map(nextRate)).toEqual([1.5, 2, 1, 1]);
  });
});

describe("a waveform", () => {
  it("is a slider for the keyboard", () => {
    expect(soughtBy("ArrowRight", 1_000, 10_000)).toBe(4_000);
    expect(soughtBy("ArrowLeft", 1_000, 10_000)).toBe(0);
    expect(soughtBy("PageUp", 1_000, 10_000)).toBe(10_000);
    expect(soughtBy("Home", 5_000, 10_000)).toBe(0);
    expect(soughtBy("End", 5_000, 10_000)).toBe(10_000);
    expect(soughtBy("a", 5_000, 10_000)).toBeNull();
  });
  it("has its bars, whatever was sent", () => {
    for (const values of [[], [0], [255], Array.from({ length: 256 }, (_, index) => index)])
      expect(bars(values, 10).match(/M/g)).toHaveLength(10);
  });
});
