import "fake-indexeddb/auto";
import { afterEach, expect, it, vi } from "vitest";
import { aChat, aPerson, fakeRealtime } from "@/testing/realtime";
import { forgetAll, keepShown, knownChat, knownShown } from "./known";
import { changes, rememberChats } from "./remember";

afterEach(forgetAll);

const GROUP = aChat({ id: "g", type: "group", title: "Picnic" });
const DIRECT = aChat({ id: "d", peer_id: "u2" });
const people = new Map([["u2", aPerson({ name: "Ben" })]]);

it("what is written down is what has changed", () => {
  const chats = new Map([
    ["g", GROUP],
    ["d", DIRECT],
  ]);
  const kept = new Map([
    ["g", { id: "g", title: "Picnic", direct: false }],
    ["d", { id: "d", title: "", direct: true }],
    ["left", { id: "left", title: "Old", direct: false }],
  ]);
  expect(changes(kept, { chats, people })).toEqual({
    changed: [{ id: "d", title: "Ben", direct: true }],
    gone: ["left"],
  });
});

it("a service worker finds the names of chats, and nothing after signing out", async () => {
  const client = fakeRealtime({ chats: new Map([["g", GROUP]]), people });
  const end = rememberChats(client);
  await vi.waitFor(async () => expect((await knownChat("g"))?.title).toBe("Picnic"), { timeout: 3_000 });
  client.setChat("g", { title: "Picnic on Sunday" });
  await vi.waitFor(async () => expect((await knownChat("g"))?.title).toBe("Picnic on Sunday"), {
    timeout: 3_000,
  });
  end();
  await keepShown({ language: "ar", preview: false });
  expect(await knownShown()).toEqual({ language: "ar", preview: false });
  await forgetAll();
  expect(await knownChat("g")).toBeNull();
  expect(await knownShown()).toBeNull();
});

it("a chat that one has left while no page was open is forgotten", async () => {
  const first = rememberChats(
    fakeRealtime({
      chats: new Map([
        ["g", GROUP],
        ["d", DIRECT],
      ]),
      people,
    }),
  );
  await vi.waitFor(async () => expect(await knownChat("d")).not.toBeNull(), { timeout: 3_000 });
  first();
  const second = rememberChats(fakeRealtime({ chats: new Map([["g", GROUP]]), people }));
  await vi.waitFor(async () => expect(await knownChat("d")).toBeNull(), { timeout: 3_000 });
  expect(await knownChat("g")).not.toBeNull();
  second();
});
