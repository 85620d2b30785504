// @vitest-environment node
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Device } from "@/testing/server/device";
import { SimulatedServer } from "@/testing/server/server";
import { MemoryTabs } from "./tabs/memory";

const IDS = Array.from({ length: 500 }, (_, index) => `user-${index}`);

let server: SimulatedServer;
/** Who has been asked for, by question. */
let questions: string[][];
/** Questions under way, at most. */
let most: number;

beforeEach(() => {
  vi.useFakeTimers();
  server = new SimulatedServer();
  server.addUser("ann");
  for (const id of IDS) server.addUser(id, `name of ${id}`);
  questions = [];
  most = 0;
  let under = 0;
  const rest = server.rest.bind(server);
  vi.spyOn(server, "rest").mockImplementation((userId) => {
    const real = rest(userId);
    const people: typeof real.people = async (ids) => {
      questions.push([...ids]);
      under += 1;
      most = Math.max(most, under);
      try {
        return await real.people(ids);
      } finally {
        under -= 1;
      }
    };
    return { ...real, people };
  });
});

afterEach(() => {
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

async function online(device = new Device(server, "ann")): Promise<Device> {
  await device.client.start();
  await pass(100);
  return device;
}

test("of many that are wanted at once fifty are asked for at a time, each once", async () => {
  const ann = await online();
  server.latency = () => 100;
  ann.client.wantPeople(IDS);
  ann.client.wantPeople(IDS);
  for (let answered = 0; answered < 500; answered += 50) {
    await pass(200);
    expect(ann.state.people.size).toBeLessThanOrEqual(answered + 50);
  }
  await pass(60_000);
  expect(ann.state.people.size).toBe(500);
  expect([questions.length, most]).toEqual([10, 1]);
  expect(new Set(questions.flat()).size).toBe(500);
});

test("those who are wanted one by one within a moment are one question", async () => {
  const ann = await online();
  for (const id of IDS.slice(0, 20)) ann.client.wantPeople([id]);
  await pass(10);
  ann.client.wantPeople(["user-20"]);
  await pass(1_000);
  expect(questions.map((ids) => [...ids].sort())).toEqual([IDS.slice(0, 21).sort()]);
  expect(ann.state.people.get("user-7")?.name).toBe("name of user-7");
});

test("what is on the screen now is asked for before what was there before", async () => {
  const ann = await online();
  server.latency = () => 100;
  for (const id of IDS.slice(0, 150)) ann.client.wantPeople([id]);
  await pass(50);
  ann.client.wantPeople(["user-400", "user-401", "user-402"]);
  await pass(1_000);
  expect(questions[1]?.slice(0, 3)).toEqual(["user-400", "user-401", "user-402"]);
  expect(questions[0]).not.toContain("user-400");
});

test("who is kept is shown at once after a reload, and asked for again when it is long ago", async () => {
  const ann = await online();
  ann.client.wantPeople(["user-1"]);
  await pass(1_000);
  await ann.reload();
  await pass(100);
  expect(ann.state.people.get("user-1")?.name).toBe("name of user-1");
  ann.client.wantPeople(["user-1"]);
  await pass(1_000);
  expect(questions).toEqual([["user-1"]]);
  await pass(15 * 60_000);
  ann.client.wantPeople(["user-1"]);
  await pass(1_000);
  expect(questions).toEqual([["user-1"], ["user-1"]]);
});

test("several tabs that want the same ask once", async () => {
  const hub = new MemoryTabs();
  const { storage } = new Device(server, "ann");
  const tabs = [];
  for (let tab = 0; tab < 3; tab += 1)
    tabs.push(await online(new Device(server, "ann", { storage, tabs: hub.tab() })));
  for (const { client } of tabs) client.wantPeople(["user-1", "user-2"]);
  await pass(1_000);
  expect(questions.flat().sort()).toEqual(["user-1", "user-2"]);
  for (const { state } of tabs) expect([...state.people.keys()].sort()).toEqual(["user-1", "user-2"]);
});

test("while the server wants a pause nobody is asked for; then everybody is", async () => {
  const ann = await online();
  server.restFault = () => "rate_limited";
  ann.client.wantPeople(IDS.slice(0, 20));
  await pass(30_000);
  expect(ann.state.people.size).toBe(0);
  server.restFault = () => null;
  await pass(60_000);
  expect(ann.state.people.size).toBe(20);
});

test("who is wanted without a network is asked for when there is one", async () => {
  const ann = await online();
  server.reachable = false;
  ann.network.set(false);
  ann.client.wantPeople(["user-1"]);
  await pass(60_000);
  server.reachable = true;
  ann.network.set(true);
  await pass(1_000);
  expect(ann.state.people.has("user-1")).toBe(true);
});

test("who cannot be had is asked for once, and holds up nobody", async () => {
  const ann = await online();
  const refused = vi.fn(() => "forbidden");
  server.restFault = refused;
  ann.client.wantPeople(["user-1"]);
  await pass(60_000);
  expect(refused).toHaveBeenCalledTimes(1);
  server.restFault = () => null;
  ann.client.wantPeople(["user-2", "nobody"]);
  await pass(1_000);
  expect(ann.state.people.get("user-2")?.deleted).toBe(false);
  expect(ann.state.people.get("nobody")?.deleted).toBe(true);
});
