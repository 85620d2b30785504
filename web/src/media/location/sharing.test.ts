import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RealtimeError } from "@/realtime/realtime";
import { aMessage, aUser, type FakeRealtime, fakeRealtime } from "@/testing/realtime";
import type { MessageView } from "@/types/socket";
import type { Fix, LocatingProblem } from "./locating";
import { newSharingState, sharesKey } from "./shares";
import { EVERY_MS, type Ports, Sharing } from "./sharing";

const HOUR = 3_600_000;
const HERE: Fix = { lat: 48.1, lng: 11.5, accuracy: 8 };
const THERE: Fix = { lat: 48.2, lng: 11.6, accuracy: 8 };

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }));
afterEach(() => {
  vi.useRealTimers();
  localStorage.clear();
});

const live = (until: number, changed: Partial<MessageView> = {}): MessageView =>
  aMessage({
    seq: 7,
    sender_id: "u1",
    type: "location",
    content: { lat: 1, lng: 2, live_until: new Date(until).toISOString() },
    ...changed,
  });

function aDevice(client: FakeRealtime = fakeRealtime({ me: aUser() })) {
  const state = newSharingState();
  let onFix: ((fix: Fix) => void) | null = null;
  let onProblem: ((problem: LocatingProblem) => void) | null = null;
  let asked = 0;
  const ports: Ports = {
    storage: localStorage,
    now: Date.now,
    watch: (fix, problem) => {
      [onFix, onProblem] = [fix, problem];
      asked += 1;
      return () => {
        onFix = null;
      };
    },
    alone: (hold) => void hold(),
  };
  const sharing = new Sharing(client, "u1", state, ports);
  return {
    client,
    sharing,
    state,
    move: (fix: Fix) => onFix?.(fix),
    fail: (problem: LocatingProblem) => onProblem?.(problem),
    watching: () => onFix !== null,
    asked: () => asked,
    sent: () => client.calls.filter(([name]) => name === "updateLocation").map((call) => call.slice(1)),
    arrive: (message: MessageView) =>
      client.emit({ name: "MESSAGE_SENT", payload: { message }, missed: false }),
  };
}

describe("a live location that is begun here", () => {
  it("is fed from here once its message is there, at once and then now and then", async () => {
    const device = aDevice();
    await device.sharing.start();
    const until = Date.now() + HOUR;
    device.sharing.expect(until);
    device.move(HERE);
    expect(device.sent()).toEqual([]);
    device.arrive(live(until));
    expect(device.sent()).toEqual([["c1", 7, HERE]]);
    device.move(THERE);
    expect(device.sent()).toEqual([["c1", 7, HERE]]);
    vi.advanceTimersByTime(EVERY_MS);
    expect(device.sent()).toEqual([
      ["c1", 7, HERE],
      ["c1", 7, THERE],
    ]);
  });

  it("ends by itself, and then nobody looks where one is", async () => {
    const device = aDevice();
    await device.sharing.start();
    const until = Date.now() + HOUR;
    device.sharing.expect(until);
    device.arrive(live(until));
    expect(device.watching()).toBe(true);
    vi.advanceTimersByTime(HOUR);
    expect(device.state.getState().shares).toEqual([]);
    expect(device.watching()).toBe(false);
    expect(localStorage.getItem(sharesKey("u1"))).toBeNull();
  });

  it("goes on after a reload, if it still is", async () => {
    const before = aDevice();
    await before.sharing.start();
    const until = Date.now() + HOUR;
    before.sharing.expect(until);
    before.arrive(live(until));
    before.sharing.close();

    const client = fakeRealtime({ me: aUser() });
    client.setHistory("c1", { messages: [live(until)] });
    const after = aDevice(client);
    await after.sharing.start();
    after.move(HERE);
    expect(after.sent()).toEqual([["c1", 7, HERE]]);
  });

  it("is found after a reload that came before its message", async () => {
    const before = aDevice();
    await before.sharing.start();
    const until = Date.now() + HOUR;
    before.sharing.expect(until);
    before.sharing.close();

    const client = fakeRealtime({ me: aUser() });
    client.setHistory("c1", { messages: [live(until)] });
    const after = aDevice(client);
    await after.sharing.start();
    expect(after.state.getState().shares).toEqual([{ chatId: "c1", seq: 7, until }]);
  });

  it.each([
    [
      "stopped elsewhere",
      (until: number) => live(until, { content: { lat: 1, lng: 2, live_until: "1970-01-01T00:00:00Z" } }),
    ],
    ["deleted", (until: number) => live(until, { deleted: true, content: {} })],
  ])("is over when its message was %s", async (_, changed) => {
    const device = aDevice();
    await device.sharing.start();
    const until = Date.now() + HOUR;
    device.sharing.expect(until);
    device.arrive(live(until));
    device.client.emit({ name: "MESSAGE_EDITED", payload: { message: changed(until) }, missed: false });
    expect(device.watching()).toBe(false);
  });

  it("is over when the server says so, and goes on when it was only away", async () => {
    const device = aDevice();
    await device.sharing.start();
    const until = Date.now() + HOUR;
    device.sharing.expect(until);
    device.arrive(live(until));
    device.client.refuse("updateLocation", new RealtimeError("offline", "no network"));
    device.move(HERE);
    await vi.advanceTimersByTimeAsync(EVERY_MS);
    expect(device.watching()).toBe(true);
    device.client.refuse("updateLocation", new RealtimeError("conflict", "it is over"));
    device.move(THERE);
    await vi.advanceTimersByTimeAsync(EVERY_MS);
    expect(device.watching()).toBe(false);
  });

  it("tells where one stands still as soon as there is a connection, and not where one was", async () => {
    const device = aDevice();
    await device.sharing.start();
    const until = Date.now() + HOUR;
    device.sharing.expect(until);
    device.arrive(live(until));
    const offline = new RealtimeError("offline", "no network");
    device.client.refuse("updateLocation", offline);
    device.move(HERE);
    await vi.advanceTimersByTimeAsync(EVERY_MS / 2);
    device.move(THERE);
    device.client.refuse("updateLocation", offline);
    await vi.advanceTimersByTimeAsync(10 * EVERY_MS);
    expect(device.sent()).toEqual([
      ["c1", 7, HERE],
      ["c1", 7, THERE],
      ["c1", 7, THERE],
    ]);
  });

  it("is stopped by hand", async () => {
    const device = aDevice();
    await device.sharing.start();
    const until = Date.now() + HOUR;
    device.sharing.expect(until);
    device.arrive(live(until));
    await device.sharing.stop("c1", 7);
    expect(device.client.calls).toContainEqual(["stopLocation", "c1", 7]);
    expect(device.watching()).toBe(false);
  });

  it("says why no position comes, until one does", async () => {
    const device = aDevice();
    await device.sharing.start();
    device.sharing.expect(Date.now() + HOUR);
    device.fail("denied");
    expect(device.state.getState().problem).toBe("denied");
    device.move(HERE);
    expect(device.state.getState().problem).toBeNull();
  });

  it("asks the browser again after it has failed, but not whom it was denied by", async () => {
    const device = aDevice();
    await device.sharing.start();
    device.sharing.expect(Date.now() + HOUR);
    device.fail("unavailable");
    vi.advanceTimersByTime(EVERY_MS);
    expect(device.asked()).toBe(2);
    device.move(HERE);
    device.fail("denied");
    vi.advanceTimersByTime(HOUR / 2);
    expect(device.asked()).toBe(2);
  });
});

describe("what is not this device's to feed", () => {
  it("own live locations begun on another device, and others'", async () => {
    const device = aDevice();
    await device.sharing.start();
    device.arrive(live(Date.now() + HOUR));
    device.arrive(live(Date.now() + HOUR, { sender_id: "u2", seq: 8 }));
    expect(device.state.getState().shares).toEqual([]);
    expect(device.watching()).toBe(false);
  });

  it("anything that something else has written where shares are kept", async () => {
    for (const text of ["{", "7", '[{"until":"soon"}]', '[{"until":9e15}]', "[null]"]) {
      localStorage.setItem(sharesKey("u1"), text);
      const device = aDevice();
      await device.sharing.start();
      expect(device.state.getState().shares).toEqual([]);
    }
  });
});
