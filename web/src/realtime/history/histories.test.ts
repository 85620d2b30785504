// @vitest-environment node
/** What random walks have found, one at a time. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Device } from "@/testing/server/device";
import { SimulatedServer } from "@/testing/server/server";
import { LONGEST_GAP } from "../feed/joining";

let server: SimulatedServer;

beforeEach(() => {
  vi.useFakeTimers();
  server = new SimulatedServer();
  for (const id of ["ann", "ben"]) server.addUser(id);
  server.addChat("c1", "group", ["ben", "ann"]);
  for (let index = 1; index <= 300; index += 1) server.say("ben", "c1", `line ${index}`);
  server.mark("ann", "c1", { read: 300 });
});

afterEach(() => {
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

async function opened(): Promise<{ ann: Device; close: () => void }> {
  const ann = new Device(server, "ann");
  await ann.client.start();
  await pass(500);
  const close = ann.client.openChat("c1");
  await pass(500);
  return { ann, close };
}

test("an edit that overtakes the page it belongs to is shown", async () => {
  const { ann } = await opened();
  const first = ann.history("c1").messages[0]?.seq ?? 0;
  server.latency = () => 500;
  void ann.client.loadOlder("c1");
  // The page has been read, and is on its way.
  await pass(600);
  server.latency = () => 1;
  server.edit("c1", first - 1, "edited");
  await pass(1_000);
  expect(ann.texts("c1")).toContain("edited");
  expect(ann.texts("c1")).not.toContain(`line ${first - 1}`);
});

test("an edit that is not written yet is shown when the chat is opened", async () => {
  const { ann, close } = await opened();
  close();
  server.edit("c1", 290, "edited");
  await pass(2);
  ann.client.openChat("c1");
  await pass(2_000);
  expect(ann.texts("c1")).toContain("edited");
});

test("after a gap that is too long to be read through, what was changed in it is shown", async () => {
  const { ann } = await opened();
  ann.network.set(false);
  for (let index = 0; index <= LONGEST_GAP; index += 1) server.chat("c1").change();
  server.edit("c1", 290, "edited");
  ann.network.set(true);
  await pass(5_000);
  expect(ann.texts("c1")).toContain("edited");
});

test("a chat that one comes back to shows its newest messages, whatever was being loaded when one was removed", async () => {
  const { ann } = await opened();
  server.restFault = () => "unavailable";
  void ann.client.loadOlder("c1");
  await pass(100);
  server.setMember("c1", "ann", null, "ben");
  server.setMember("c1", "ann", "member", "ben");
  await pass(10);
  server.restFault = () => null;
  await pass(60_000);
  expect(ann.history("c1").messages.at(-1)?.seq).toBe(300);
});
