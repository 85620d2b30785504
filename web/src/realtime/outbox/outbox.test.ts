// @vitest-environment node
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Device, type DeviceOptions } from "@/testing/server/device";
import { SimulatedServer } from "@/testing/server/server";
import { RealtimeError } from "../realtime";
import { MemoryStorage } from "../storage/memory";
import { StorageError } from "../storage/storage";
import type { Uploader } from "./uploads";

let server: SimulatedServer;

beforeEach(() => {
  vi.useFakeTimers();
  server = new SimulatedServer();
  for (const id of ["ann", "ben"]) server.addUser(id);
  server.addChat("c1", "direct", ["ann", "ben"]);
});

afterEach(() => {
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const texts = () => server.chat("c1").messages.map(({ content }) => (content as { text: string }).text);
const statuses = (ann: Device) => ann.history("c1").outgoing.map((each) => each.status);

async function online(options: DeviceOptions = {}): Promise<Device> {
  const ann = new Device(server, "ann", options);
  await ann.client.start();
  ann.client.openChat("c1");
  await pass(100);
  return ann;
}

test("one message is under way at a time; what is refused for a while goes before what was written after it", async () => {
  let refusals = 2;
  server.sendFault = ({ content }) => {
    if ((content as { text: string }).text !== "one" || refusals === 0) return null;
    refusals -= 1;
    return { code: "rate_limited", retryAfterMs: 5_000 };
  };
  const ann = await online();
  for (const text of ["one", "two", "three"]) await ann.send("c1", text);
  await pass(4_900);
  expect(texts()).toEqual([]);
  expect(statuses(ann)).toEqual(["waiting", "waiting", "waiting"]);
  const sends = () => server.pushes.filter(([, event]) => event === "message:send").length;
  expect(sends()).toBe(1);
  await pass(5_000);
  expect(sends()).toBe(2);
  await pass(1_000);
  expect(texts()).toEqual(["one", "two", "three"]);
  expect(ann.texts("c1")).toEqual(["one", "two", "three"]);
});

test("what is refused for good has failed, with the code, and holds up nothing; it can be retried, and given up", async () => {
  let isBlocked = true;
  server.sendFault = ({ content }) =>
    isBlocked && (content as { text: string }).text !== "two" ? { code: "forbidden" } : null;
  const ann = await online();
  const first = await ann.send("c1", "one");
  const third = await ann.send("c1", "three");
  await ann.send("c1", "two");
  await pass(1_000);
  expect(texts()).toEqual(["two"]);
  expect(ann.history("c1").outgoing.map((each) => [each.clientId, each.status, each.error?.code])).toEqual([
    [first, "failed", "forbidden"],
    [third, "failed", "forbidden"],
  ]);
  await ann.reload();
  ann.client.openChat("c1");
  await pass(100);
  expect(statuses(ann)).toEqual(["failed", "failed"]);
  isBlocked = false;
  await ann.client.retry(first);
  await ann.client.discard(third);
  await pass(1_000);
  expect(texts()).toEqual(["two", "one"]);
  expect(statuses(ann)).toEqual([]);
});

test("an answer that is lost leads to a repetition under the same name, and to one message", async () => {
  let cuts = 1;
  server.sendFault = () => {
    cuts -= 1;
    return cuts >= 0 ? "cut" : null;
  };
  const ann = await online();
  await ann.send("c1", "one");
  await pass(5_000);
  expect(texts()).toEqual(["one"]);
  expect(ann.texts("c1")).toEqual(["one"]);
  expect(statuses(ann)).toEqual([]);
});

test("what the server has queued waits, without being sent again, until it is told; what then fails has failed", async () => {
  server.sendFault = () => "queued";
  const ann = await online();
  await ann.send("c1", "one");
  await pass(10_000);
  expect(statuses(ann)).toEqual(["waiting"]);
  expect(server.pushes.filter(([, event]) => event === "message:send").length).toBe(1);
  server.deliverQueued();
  await pass(100);
  expect(ann.texts("c1")).toEqual(["one"]);
  expect(statuses(ann)).toEqual([]);
  await ann.send("c1", "two");
  await pass(100);
  server.deliverQueued({ code: "forbidden", reason: "blocked" });
  await pass(100);
  expect(ann.history("c1").outgoing.map((each) => each.error)).toEqual([
    { code: "forbidden", message: "blocked" },
  ]);
});

test("a message that crashes the server again and again has failed", async () => {
  server.sendFault = () => ({ code: "internal" });
  const ann = await online();
  await ann.send("c1", "one");
  await pass(120_000);
  expect(statuses(ann)).toEqual(["failed"]);
});

const file = { blob: new Blob(["x"]), kind: "image", contentType: "image/png", filename: "x.png" } as const;
const picture = { type: "image", content: { width: 1, height: 1 }, attachment: file } as const;

test("a picture takes its place when it is uploaded; text that was written meanwhile goes before it", async () => {
  let done: (answer: { media_id: string }) => void = () => undefined;
  let progress: (fraction: number) => void = () => undefined;
  const upload: Uploader = (_, { onProgress }) => {
    progress = onProgress;
    return new Promise((resolve) => {
      done = resolve;
    });
  };
  const ann = await online({ upload });
  await ann.client.send("c1", picture);
  await ann.send("c1", "after it");
  progress(0.5);
  await pass(100);
  expect(ann.history("c1").outgoing.map(({ status, progress }) => [status, progress])).toEqual([
    ["uploading", 0.5],
  ]);
  expect(texts()).toEqual(["after it"]);
  done({ media_id: "m1" });
  await pass(100);
  expect(server.chat("c1").messages[1]?.media_id).toBe("m1");
  expect(statuses(ann)).toEqual([]);
});

test("an upload is tried again while there is no network, and after a reload; what is refused for good has failed", async () => {
  let failing: Error = new TypeError("network");
  let uploads = 0;
  const upload: Uploader = async () => {
    uploads += 1;
    throw failing;
  };
  const ann = await online({ upload, storage: new MemoryStorage() });
  await ann.client.send("c1", picture);
  await pass(60_000);
  expect(uploads).toBeGreaterThan(2);
  expect(statuses(ann)).toEqual(["uploading"]);
  await ann.reload();
  ann.client.openChat("c1");
  const before = uploads;
  await pass(1_000);
  expect(uploads).toBeGreaterThan(before);
  failing = new RealtimeError("too_large", "too large");
  await pass(60_000);
  expect(ann.history("c1").outgoing.map((each) => each.error?.code)).toEqual(["too_large"]);
});

test("a message that is given up while it is uploaded ends the upload", async () => {
  let signal: AbortSignal | null = null;
  const upload: Uploader = (_, options) => {
    signal = options.signal;
    return new Promise(() => undefined);
  };
  const ann = await online({ upload });
  const clientId = await ann.client.send("c1", picture);
  await pass(10);
  await ann.client.discard(clientId);
  expect(signal).toMatchObject({ aborted: true });
  expect(statuses(ann)).toEqual([]);
});

test("where nothing is kept, messages are sent all the same, and the state says that nothing is kept", async () => {
  const storage = new MemoryStorage();
  vi.spyOn(storage, "write").mockRejectedValue(new StorageError("full", "no room"));
  const ann = await online({ storage });
  await ann.send("c1", "one");
  await pass(1_000);
  server.say("ben", "c1", "two");
  await pass(1_000);
  expect(ann.state.storage).toBe("memory");
  expect(ann.texts("c1")).toEqual(["one", "two"]);
});

test("what is passed on says so from the moment it is written, over refusals and reloads, until all have it", async () => {
  server.sendFault = () => ({ code: "forbidden" });
  const ann = await online();
  const id = await ann.client.send("c1", { type: "text", content: { text: "hear" }, forwarded: true });
  await ann.send("c1", "plain");
  await pass(1_000);
  await ann.reload();
  ann.client.openChat("c1");
  await pass(100);
  expect(ann.history("c1").outgoing.map(({ draft }) => draft.forwarded)).toEqual([true, undefined]);
  server.sendFault = () => null;
  await ann.client.retry(id);
  await pass(1_000);
  expect(server.chat("c1").messages.map(({ forwarded }) => forwarded)).toEqual([true]);
  expect(ann.history("c1").messages.map(({ forwarded }) => forwarded)).toEqual([true]);
});
