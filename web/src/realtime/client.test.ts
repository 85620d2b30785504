import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Device } from "@/testing/server/device";
import { SimulatedServer } from "@/testing/server/server";

let server: SimulatedServer;

beforeEach(() => {
  vi.useFakeTimers();
  server = new SimulatedServer();
  for (const id of ["ann", "ben", "cleo"]) server.addUser(id);
});

afterEach(() => {
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

async function started(device: Device): Promise<Device> {
  await device.client.start();
  await pass(1_000);
  return device;
}

test("a device that knows nothing lists all chats, and shows the newest messages of the one that is opened", async () => {
  server.addChat("c1", "direct", ["ann", "ben"]);
  for (let index = 1; index <= 250; index += 1) server.say("ben", "c1", `line ${index}`);
  const ann = await started(new Device(server, "ann"));
  expect(ann.state.connection).toEqual({ status: "online" });
  expect(ann.state.chatOrder).toEqual(["c1"]);
  expect(ann.chat("c1").unread).toBe(250);
  ann.client.openChat("c1");
  await pass(1_000);
  const { messages, hasOlder, hasNewer, firstUnread } = ann.history("c1");
  expect(messages.at(-1)?.seq).toBe(250);
  expect([hasOlder, hasNewer, firstUnread]).toEqual([true, false, 1]);
});

test("what is sent is there at once, then acknowledged, and with the other", async () => {
  server.addChat("c1", "direct", ["ann", "ben"]);
  const [ann, ben] = [await started(new Device(server, "ann")), await started(new Device(server, "ben"))];
  ann.client.openChat("c1");
  ben.client.openChat("c1");
  await pass(100);
  await ann.send("c1", "hello");
  expect(ann.history("c1").outgoing.map((each) => each.status)).toEqual(["sending"]);
  expect(ann.chat("c1").outgoing).toBe(1);
  await pass(1_000);
  expect(ann.history("c1").outgoing).toEqual([]);
  expect(ann.texts("c1")).toEqual(["hello"]);
  expect(ben.texts("c1")).toEqual(["hello"]);
  expect(ben.chat("c1").unread).toBe(1);
  expect(ann.chat("c1").deliveredByAll).toBe(1);
  expect(ann.chat("c1").readByAll).toBe(0);
  ben.client.markRead("c1", 1);
  await pass(20);
  expect(ben.chat("c1").unread).toBe(0);
  await pass(1_000);
  expect(ann.chat("c1").readByAll).toBe(1);
});

test("older messages come in pages down to the first", async () => {
  server.addChat("c1", "direct", ["ann", "ben"]);
  for (let index = 1; index <= 200; index += 1) server.say("ben", "c1", `line ${index}`);
  server.mark("ann", "c1", { read: 200 });
  const ann = await started(new Device(server, "ann"));
  ann.client.openChat("c1");
  await pass(1_000);
  while (ann.history("c1").hasOlder) {
    void ann.client.loadOlder("c1");
    await pass(100);
  }
  expect(ann.history("c1").messages.map(({ seq }) => seq)).toEqual(
    Array.from({ length: 200 }, (_, i) => i + 1),
  );
});
