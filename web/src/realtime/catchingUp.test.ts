// @vitest-environment node
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Device } from "@/testing/server/device";
import { SimulatedServer } from "@/testing/server/server";
import type { DomainEvent } from "./realtime";

let server: SimulatedServer;

beforeEach(() => {
  vi.useFakeTimers();
  server = new SimulatedServer();
  for (const id of ["ann", "ben", "cleo"]) server.addUser(id);
  server.addChat("c1", "direct", ["ann", "ben"]);
});

afterEach(() => {
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

async function online(userId = "ann"): Promise<Device> {
  const device = new Device(server, userId);
  await device.client.start();
  await pass(500);
  return device;
}

const seqs = (device: Device) => device.history("c1").messages.map(({ seq }) => seq);

test("it opens with what is kept, before there is any connection", async () => {
  server.say("ben", "c1", "one");
  const ann = await online();
  ann.client.openChat("c1");
  await pass(500);
  server.reachable = false;
  ann.network.set(false);
  await ann.reload();
  ann.client.openChat("c1");
  await pass(1);
  expect(ann.state.opened).toBe(true);
  expect(ann.state.connection).toEqual({ status: "offline" });
  expect(ann.texts("c1")).toEqual(["one"]);
  expect(ann.chat("c1").unread).toBe(1);
});

test("a chat that is opened before anything is known of it shows its newest messages once it is", async () => {
  for (let index = 1; index <= 250; index += 1) server.say("ben", "c1", `line ${index}`);
  const ann = new Device(server, "ann");
  await ann.client.start();
  ann.client.openChat("c1");
  await pass(1_000);
  expect(seqs(ann).at(-1)).toBe(250);
  expect(ann.history("c1").loading).toBe(false);
});

test("a join tells what is known, so that only what is new comes", async () => {
  server.say("ben", "c1", "one");
  const ann = await online();
  expect(server.joins[0]).toEqual({ known: {}, limit: 0 });
  server.cut();
  server.say("ben", "c1", "two");
  await pass(2_000);
  expect(server.joins[1]).toEqual({ known: { c1: 1 }, since: expect.any(String) });
  expect(ann.chat("c1").unread).toBe(2);
});

test("so long a gap that it is not read through: the newest messages are shown, and older ones can be read", async () => {
  server.say("ben", "c1", "one");
  const ann = await online();
  ann.client.openChat("c1");
  await pass(500);
  expect(seqs(ann)).toEqual([1]);
  ann.network.set(false);
  for (let index = 2; index <= 2_500; index += 1) server.say("ben", "c1", `line ${index}`);
  server.edit("c1", 1, "edited meanwhile");
  ann.network.set(true);
  await pass(2_000);
  expect(ann.state.connection).toEqual({ status: "online" });
  expect(seqs(ann).at(-1)).toBe(2_500);
  expect(seqs(ann)).toEqual(Array.from({ length: seqs(ann).length }, (_, i) => 2_501 - seqs(ann).length + i));
  void ann.client.loadAround("c1", 1);
  await pass(500);
  expect(ann.texts("c1")[0]).toBe("edited meanwhile");
  expect(ann.history("c1").hasNewer).toBe(true);
});

test("a jump shows another part, which new messages do not join; back at the end they do", async () => {
  for (let index = 1; index <= 300; index += 1) server.say("ben", "c1", `line ${index}`);
  server.mark("ann", "c1", { read: 300 });
  const ann = await online();
  ann.client.openChat("c1");
  await pass(500);
  void ann.client.loadAround("c1", 50);
  await pass(500);
  expect(seqs(ann)).toContain(50);
  server.say("ben", "c1", "new");
  await pass(100);
  expect(seqs(ann)).not.toContain(301);
  expect(ann.history("c1").hasNewer).toBe(true);
  while (ann.history("c1").hasNewer) {
    void ann.client.loadNewer("c1");
    await pass(100);
  }
  server.say("ben", "c1", "newer");
  await pass(100);
  expect(seqs(ann)).toEqual(Array.from({ length: seqs(ann).length }, (_, i) => 303 - seqs(ann).length + i));
  void ann.client.loadAround("c1", 100);
  await pass(500);
  void ann.client.loadNewest("c1");
  await pass(500);
  expect(seqs(ann).at(-1)).toBe(302);
});

test("older messages are waited for while there is no connection", async () => {
  for (let index = 1; index <= 300; index += 1) server.say("ben", "c1", `line ${index}`);
  server.mark("ann", "c1", { read: 300 });
  const ann = await online();
  ann.client.openChat("c1");
  await pass(500);
  const shown = seqs(ann).length;
  server.reachable = false;
  ann.network.set(false);
  server.cut();
  void ann.client.loadOlder("c1");
  await pass(60_000);
  expect(ann.history("c1").loading).toBe(true);
  server.reachable = true;
  ann.network.set(true);
  await pass(1_000);
  expect(ann.history("c1").loading).toBe(false);
  expect(seqs(ann).length).toBeGreaterThan(shown);
});

test("what was missed is told as missed, what happens as it happens", async () => {
  server.say("ben", "c1", "one");
  const ann = await online();
  const heard: [string, boolean, number?][] = [];
  ann.client.subscribe((event: DomainEvent) => {
    if (event.name === "MESSAGE_SENT" || event.name === "MESSAGE_EDITED")
      heard.push([event.name, event.missed, event.payload.message.seq]);
  });
  ann.network.set(false);
  server.edit("c1", 1, "edited");
  server.say("ben", "c1", "two");
  ann.network.set(true);
  await pass(500);
  server.say("ben", "c1", "three");
  await pass(500);
  expect(heard).toEqual([
    ["MESSAGE_EDITED", true, 1],
    ["MESSAGE_SENT", true, 2],
    ["MESSAGE_SENT", false, 3],
  ]);
});

test("a chat one is removed from is gone; one that is joined is there", async () => {
  const group = server.addChat("g", "group", ["ben", "ann"]);
  const ann = await online();
  expect(ann.state.chatOrder).toContain("g");
  server.setMember("g", "ann", null, "ben");
  await pass(100);
  expect(ann.state.chats.has("g")).toBe(false);
  server.say("ben", "g", "not for ann");
  server.setMember("g", "ann", "admin", "ben");
  await pass(1_000);
  expect(ann.chat("g")).toMatchObject({ my_role: "admin", last_seq: group.messages.length });
  server.cut();
  server.setMember("g", "ann", null, "ben");
  await pass(2_000);
  expect(ann.state.chats.has("g")).toBe(false);
});

test("who comes and goes changes how many there are", async () => {
  server.addChat("g", "group", ["ben", "ann"]);
  const ann = await online();
  server.setMember("g", "cleo", "member", "ben");
  await pass(2_000);
  expect(ann.chat("g").member_count).toBe(3);
});

test("chats are in the order of their newest activity, one's own unsent messages included", async () => {
  server.addChat("c2", "direct", ["ann", "cleo"]);
  const ann = await online();
  await pass(1_000);
  server.say("ben", "c1", "one");
  await pass(1_000);
  expect(ann.state.chatOrder).toEqual(["c1", "c2"]);
  ann.network.set(false);
  await ann.send("c2", "unsent");
  expect(ann.state.chatOrder).toEqual(["c2", "c1"]);
  expect(ann.chat("c2").preview).toMatchObject({ draft: { content: { text: "unsent" } } });
  server.tellUser("ann", "CHAT_UPDATED", { chat_id: "c1", pinned: true });
  ann.network.set(true);
  await pass(1_000);
  server.tellUser("ann", "CHAT_UPDATED", { chat_id: "c1", pinned: true });
  await pass(100);
  expect(ann.state.chatOrder).toEqual(["c1", "c2"]);
});

test("unread ones are neither one's own nor deleted", async () => {
  const ann = await online();
  server.say("ben", "c1", "one");
  const two = server.say("ben", "c1", "two");
  server.say("ann", "c1", "from another device");
  await pass(100);
  expect(ann.chat("c1").unread).toBe(2);
  server.delete("c1", two.seq);
  await pass(100);
  expect(ann.chat("c1").unread).toBe(1);
  ann.client.markRead("c1", 1);
  await pass(1_000);
  expect(ann.chat("c1").unread).toBe(0);
});

test("delivered is told by itself, and seldom", async () => {
  await online();
  for (let index = 0; index < 50; index += 1) {
    server.say("ben", "c1", "line");
    await pass(10);
  }
  await pass(1_000);
  expect(server.chat("c1").members.get("ann")?.delivered).toBe(50);
  const told = server.pushes.filter(([userId, event]) => userId === "ann" && event === "message:delivered");
  expect(told.length).toBeLessThan(5);
});

test("typing is told as seldom as can be, and ends by itself; that of others ends when nothing more is heard", async () => {
  const ann = await online();
  ann.client.openChat("c1");
  await pass(100);
  for (let index = 0; index < 40; index += 1) {
    ann.client.typing("c1", true);
    await pass(100);
  }
  const told = () => server.pushes.filter(([, event]) => event === "typing").map(([, , { state }]) => state);
  expect(told()).toEqual(["start", "start"]);
  await pass(6_000);
  expect(told()).toEqual(["start", "start", "stop"]);
  server.typing("ben", "c1", "start");
  await pass(100);
  expect(ann.state.typing.get("c1")).toEqual(["ben"]);
  await pass(9_000);
  expect(ann.state.typing.get("c1")).toBeUndefined();
  server.typing("ben", "c1", "start");
  await pass(100);
  server.say("ben", "c1", "written");
  await pass(100);
  expect(ann.state.typing.get("c1")).toBeUndefined();
});

test("a live location is shared and seen, also in a chat that is not open", async () => {
  const ann = await online();
  const ben = await online("ben");
  ben.client.openChat("c1");
  server.say("ann", "c1", "location");
  await pass(100);
  const shared = ann.client.updateLocation("c1", 1, { lat: 1, lng: 2 });
  await pass(200);
  await shared;
  expect(ben.state.positions.get("c1/1")).toMatchObject({ lat: 1, lng: 2, user_id: "ann" });
  expect(ben.state.present.get("c1")).toEqual(["ann"]);
  await pass(61_000);
  expect(ben.state.present.get("c1")).toBeUndefined();
});

test("people are asked for once, a few at a time, and again when it is long ago; events say who is online", async () => {
  for (let index = 0; index < 20; index += 1) server.addUser(`user-${index}`);
  const ann = await online();
  const rest = vi.spyOn(server.users, "get");
  const ids = Array.from({ length: 20 }, (_, index) => `user-${index}`);
  ann.client.wantPeople(ids);
  ann.client.wantPeople(ids);
  await pass(1_000);
  expect(ann.state.people.size).toBe(20);
  expect(rest.mock.calls.length).toBe(20);
  await pass(10 * 60_000);
  ann.client.wantPeople(ids);
  await pass(1_000);
  expect(rest.mock.calls.length).toBe(20);
  server.addUser("user-2", "Another name");
  ann.client.wantPeople(["user-2"], true);
  await pass(1_000);
  expect(rest.mock.calls.length).toBe(21);
  expect(ann.state.people.get("user-2")?.name).toBe("Another name");
  await pass(10 * 60_000);
  ann.client.wantPeople(["user-1"]);
  await pass(1_000);
  expect(rest.mock.calls.length).toBe(22);
  server.tellUser("ann", "USER_CONNECTED", { user_id: "user-1" });
  await pass(100);
  expect(ann.state.people.get("user-1")?.online).toBe(true);
  server.tellUser("ann", "USER_DISCONNECTED", { user_id: "user-1", last_seen: "2026-01-01T00:00:00.000Z" });
  await pass(100);
  expect(ann.state.people.get("user-1")).toMatchObject({
    online: false,
    lastSeen: "2026-01-01T00:00:00.000Z",
  });
});

test("what has not changed is the same object", async () => {
  server.addChat("c2", "direct", ["ann", "cleo"]);
  const ann = await online();
  ann.client.openChat("c1");
  server.say("ben", "c1", "one");
  await pass(500);
  const before = ann.state;
  server.say("cleo", "c2", "elsewhere");
  await pass(500);
  expect(ann.chat("c1")).toBe(before.chats.get("c1"));
  expect(ann.history("c1")).toBe(before.histories.get("c1"));
  expect(ann.state.people).toBe(before.people);
});
