import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Connector, type ConnectorPorts } from "./connector";
import type { ConnectionState } from "./realtime";

type Events = Parameters<ConnectorPorts["transport"]["connect"]>[1];

const tries: Events[] = [];
const states: ConnectionState[] = [];
let connector: Connector;

beforeEach(() => {
  vi.useFakeTimers();
  tries.length = 0;
  states.length = 0;
  connector = new Connector(
    {
      transport: {
        connect: (_: string, events: Events) => {
          tries.push(events);
          return () => undefined;
        },
      } as ConnectorPorts["transport"],
      network: { online: true, onChange: () => () => undefined },
      accessToken: async () => "token",
    },
    { up: () => undefined, down: () => undefined, state: (state) => states.push(state) },
  );
  connector.start();
});

afterEach(() => {
  connector.stop();
  vi.useRealTimers();
});

const settle = () => vi.advanceTimersByTimeAsync(0);

test("whoever does not want to wait for the next try has it at once", async () => {
  await settle();
  tries[0]?.closed("lost");
  expect(states.at(-1)).toMatchObject({ status: "connecting", retryAt: expect.any(Number) });
  connector.hurry();
  expect(states.at(-1)).toEqual({ status: "connecting", retryAt: null });
  await settle();
  expect(tries).toHaveLength(2);
});

test("there is never a second try beside the one that is on its way", async () => {
  await settle();
  connector.hurry();
  await settle();
  expect(tries).toHaveLength(1);
  tries[0]?.closed("lost");
  connector.hurry();
  connector.hurry();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(tries).toHaveLength(2);
});
