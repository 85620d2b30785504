import { expect, test } from "vitest";
import { aChat, aMessage, fakeRealtime } from "./realtime";

test("a message sent is in the outbox, and can be given up", async () => {
  const client = fakeRealtime({ chats: new Map([["c1", aChat()]]) });
  client.openChat("c1");
  const clientId = await client.send("c1", { type: "text", content: { text: "hello" } });
  expect(
    client.state
      .getState()
      .histories.get("c1")
      ?.outgoing.map((each) => each.clientId),
  ).toEqual([clientId]);
  await client.discard(clientId);
  expect(client.state.getState().histories.get("c1")?.outgoing).toEqual([]);
});

test("what was asked is written down, and refused when the test says so", async () => {
  const client = fakeRealtime();
  client.setHistory("c1", { messages: [aMessage({ seq: 4 })] });
  client.refuse("edit", new Error("no"));
  await expect(client.edit("c1", 4, { text: "x" })).rejects.toThrow("no");
  await client.edit("c1", 4, { text: "y" });
  expect(client.calls).toEqual([
    ["edit", "c1", 4, { text: "x" }],
    ["edit", "c1", 4, { text: "y" }],
  ]);
  expect((await client.message("c1", 4))?.seq).toBe(4);
});
