// @vitest-environment node
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Device } from "@/testing/server/device";
import { SimulatedServer } from "@/testing/server/server";
import { pauseMs } from "./backoff";

let server: SimulatedServer;

beforeEach(() => {
  vi.useFakeTimers();
  server = new SimulatedServer();
  server.addUser("ann");
});

afterEach(() => {
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

async function online(options: ConstructorParameters<typeof Device>[2] = {}): Promise<Device> {
  const device = new Device(server, "ann", options);
  await device.client.start();
  await pass(100);
  return device;
}

test("pauses grow twofold up to the longest, and are anywhere between none and that", () => {
  const limits = { firstMs: 100, longestMs: 1_000 };
  const longest = [1, 2, 3, 4, 5, 6].map((failures) => pauseMs(failures, limits, () => 1));
  expect(longest).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  expect(pauseMs(6, limits, () => 0)).toBe(0);
});

test("a server that is away is tried again, and the state says when", async () => {
  vi.spyOn(Math, "random").mockReturnValue(1);
  server.reachable = false;
  const ann = await online();
  expect(ann.state.connection).toEqual({ status: "connecting", retryAt: expect.any(Number) });
  await pass(20_000);
  const tries = server.tries;
  expect(tries).toBeGreaterThan(4);
  await pass(20_000);
  expect(server.tries - tries).toBeLessThan(3);
  server.reachable = true;
  await pass(31_000);
  expect(ann.state.connection).toEqual({ status: "online" });
});

test("without a network nothing is tried; with one it is tried at once", async () => {
  const ann = await online();
  ann.network.set(false);
  expect(ann.state.connection).toEqual({ status: "offline" });
  const { tries } = server;
  await pass(120_000);
  expect(server.tries).toBe(tries);
  ann.network.set(true);
  await pass(50);
  expect(ann.state.connection).toEqual({ status: "online" });
});

test("a node that drains is left when it says, and not before another connection is due", async () => {
  const ann = await online();
  const { tries } = server;
  server.drain(4_000);
  await pass(3_900);
  expect(ann.state.connection).toEqual({ status: "online" });
  expect(server.tries).toBe(tries);
  await pass(200);
  expect(server.tries).toBe(tries + 1);
  expect(ann.state.connection).toEqual({ status: "online" });
});

test("a node that ends a connection while it drains is not come back to before its time", async () => {
  vi.spyOn(Math, "random").mockReturnValue(0);
  const ann = await online();
  const { tries } = server;
  server.drain(4_000);
  await pass(1_000);
  server.cut();
  expect(ann.state.connection).toEqual({ status: "connecting", retryAt: Date.now() + 3_001 });
  await pass(2_900);
  expect(server.tries).toBe(tries);
  await pass(200);
  expect(ann.state.connection).toEqual({ status: "online" });
});

test("a token that is refused is exchanged for a new one, at once and once", async () => {
  const asked: (string | undefined)[] = [];
  server.tokens = (token) => (token === "new" ? "ann" : null);
  const ann = await online({
    accessToken: async (refused) => {
      asked.push(refused);
      return refused === undefined ? "old" : "new";
    },
  });
  expect(ann.state.connection).toEqual({ status: "online" });
  expect(asked).toEqual([undefined, "old"]);
});

test("a token that goes on being refused does not cost one new token a try", async () => {
  const refused: string[] = [];
  server.tokens = () => null;
  const ann = await online({
    accessToken: async (token) => {
      if (token !== undefined) refused.push(token);
      return "bad";
    },
  });
  await pass(50_000);
  expect(refused.length).toBe(1);
  expect(ann.state.connection.status).toBe("connecting");
});

test("a session that is over says so, and nothing is tried any more; what was written stays", async () => {
  let isOver = false;
  const ann = await online({
    accessToken: async () => {
      if (isOver) throw Object.assign(new Error("over"), { name: "SessionOver" });
      return "ann";
    },
  });
  isOver = true;
  server.cut("ann", "refused");
  await pass(1_000);
  expect(ann.state.connection).toEqual({ status: "signed-out" });
  const { tries } = server;
  await ann.send("c1", "not lost");
  ann.client.keepDraftText("c1", "half");
  await pass(120_000);
  expect(server.tries).toBe(tries);
  await ann.reload();
  expect([...ann.client.draftText("c1")].join("")).toBe("half");
});
