// @vitest-environment node
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Device, SwitchedNetwork } from "@/testing/server/device";
import { SimulatedServer } from "@/testing/server/server";
import { MemoryStorage } from "../storage/memory";
import { MemoryTabs } from "./memory";

let server: SimulatedServer;
let hub: MemoryTabs;
let storage: MemoryStorage;
let network: SwitchedNetwork;

beforeEach(() => {
  vi.useFakeTimers();
  server = new SimulatedServer();
  hub = new MemoryTabs();
  storage = new MemoryStorage();
  network = new SwitchedNetwork();
  for (const id of ["ann", "ben"]) server.addUser(id);
  server.addChat("c1", "direct", ["ann", "ben"]);
});

afterEach(() => {
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

async function tab() {
  const tabs = hub.tab();
  const device = new Device(server, "ann", { storage, network, tabs });
  await device.client.start();
  await pass(200);
  return { device, crash: tabs.crash };
}

test("several tabs have one connection, and all see the same", async () => {
  const first = (await tab()).device;
  const second = (await tab()).device;
  expect(server.connections.size).toBe(1);
  expect([first.state.leading, second.state.leading]).toEqual([true, false]);
  expect(second.state.connection).toEqual({ status: "online" });
  first.client.openChat("c1");
  second.client.openChat("c1");
  server.say("ben", "c1", "one");
  await pass(200);
  await second.send("c1", "two");
  await pass(200);
  for (const device of [first, second]) {
    expect(device.texts("c1")).toEqual(["one", "two"]);
    expect(device.history("c1").outgoing).toEqual([]);
    expect(device.chat("c1").unread).toBe(1);
  }
  second.client.markRead("c1", 1);
  await pass(1_000);
  expect([first.chat("c1").unread, second.chat("c1").unread]).toEqual([0, 0]);
  expect(server.chat("c1").members.get("ann")?.read).toBe(1);
});

test("what a follower asks is answered, and refused in the server's words", async () => {
  await tab();
  const { device } = await tab();
  server.say("ben", "c1", "one");
  await pass(200);
  const refused = expect(device.client.edit("c1", 1, { text: "x" })).rejects.toMatchObject({
    code: "forbidden",
  });
  await pass(200);
  await refused;
});

test("when the tab that leads crashes, another one takes over; what was written in either is sent once, in order", async () => {
  const first = await tab();
  const second = await tab();
  second.device.client.openChat("c1");
  server.latency = () => 500;
  await first.device.send("c1", "one");
  await second.device.send("c1", "two");
  // Gone in the middle of sending: nothing of it goes on.
  first.crash();
  server.cut("ann");
  await first.device.client.stop();
  server.latency = () => 1;
  await pass(5_000);
  expect(second.device.state.leading).toBe(true);
  expect(server.connections.size).toBe(1);
  expect(second.device.texts("c1")).toEqual(["one", "two"]);
  expect(second.device.history("c1").outgoing).toEqual([]);
  expect(server.chat("c1").messages.length).toBe(2);
});

test("without a network, a follower's message outlives both tabs", async () => {
  const first = await tab();
  const second = await tab();
  network.set(false);
  await pass(10);
  await second.device.send("c1", "written offline");
  await second.device.client.stop();
  await first.device.client.stop();
  const { device } = await tab();
  device.client.openChat("c1");
  expect(device.history("c1").outgoing.map((each) => each.status)).toEqual(["waiting"]);
  network.set(true);
  await pass(1_000);
  expect(device.texts("c1")).toEqual(["written offline"]);
});

test("a chat is open for the others until the last tab has closed it, or is gone", async () => {
  const ben = new Device(server, "ben");
  await ben.client.start();
  await pass(200);
  ben.client.openChat("c1");
  const first = (await tab()).device;
  const second = await tab();
  const close = first.client.openChat("c1");
  second.device.client.openChat("c1");
  await pass(200);
  expect(ben.state.present.get("c1")).toEqual(["ann"]);
  close();
  await pass(200);
  expect(ben.state.present.get("c1")).toEqual(["ann"]);
  second.crash();
  await pass(200);
  expect(ben.state.present.get("c1")).toBeUndefined();
});

test("a draft is in all tabs, and there after a reload", async () => {
  const first = (await tab()).device;
  const second = (await tab()).device;
  first.client.keepDraftText("c1", "half a sen");
  await pass(10);
  expect(second.client.draftText("c1")).toBe("half a sen");
  await first.client.stop();
  await second.client.stop();
  const { device } = await tab();
  expect(device.client.draftText("c1")).toBe("half a sen");
  device.client.keepDraftText("c1", "");
  await pass(10);
  expect((await storage.load()).drafts).toEqual([]);
});

test("signing out removes everything", async () => {
  const { device } = await tab();
  await device.send("c1", "one");
  await pass(200);
  await device.client.forget();
  expect(await storage.load()).toEqual({
    me: null,
    since: null,
    chats: [],
    outgoing: [],
    drafts: [],
    people: [],
  });
  expect(device.state.connection).toEqual({ status: "signed-out" });
  expect(device.state.chats.size).toBe(0);
});

test("signing out in one tab has all of them forget, also what another had not written yet", async () => {
  const first = (await tab()).device;
  const second = (await tab()).device;
  first.client.openChat("c1");
  await pass(200);
  server.say("ben", "c1", "one");
  first.client.keepDraftText("c1", "half a sentence");
  // The one that leads has heard it, and has not written it.
  await pass(2);
  expect(first.texts("c1")).toEqual(["one"]);
  await second.client.forget();
  await Promise.all([first.client.stop(), second.client.stop()]);
  await pass(1_000);
  expect(await storage.load()).toMatchObject({ me: null, chats: [], drafts: [], people: [] });
  expect(await storage.messages("c1", 1, 9)).toEqual([]);
  expect([first.state.connection, second.state.connection]).toEqual(Array(2).fill({ status: "signed-out" }));
});
