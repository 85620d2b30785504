/** What every store promises, over each. */
import "fake-indexeddb/auto";
import { beforeEach, describe, expect, test } from "vitest";
import { aChatView, aMessage, aPerson, aUser } from "@/testing/realtime";
import { openIndexedDb } from "../browser/indexedDb";
import { recordOf } from "../chats/record";
import { MemoryStorage } from "./memory";
import { prune } from "./pruning";
import type { Storage } from "./storage";

let users = 0;

const stores: [string, () => Promise<Storage>][] = [
  ["in memory", async () => new MemoryStorage()],
  ["in IndexedDB", () => openIndexedDb(`user-${users}`)],
];

describe.each(stores)("%s", (name, open) => {
  let storage: Storage;

  beforeEach(async () => {
    users += 1;
    storage = await open();
  });

  const seqs = async (from: number, to: number) =>
    (await storage.messages("c1", from, to)).map(({ seq }) => seq);

  test("what is written is there", async () => {
    const outgoing = {
      clientId: "x",
      chatId: "c1",
      draft: { type: "text" as const, content: { text: "hello" } },
      createdAt: "2026-01-01T00:00:00.000Z",
      order: 1,
      mediaId: null,
      failed: null,
    };
    const person = { person: aPerson(), at: 5 };
    await storage.write({
      me: aUser(),
      since: "2026-01-01T00:00:00.000Z",
      chats: [recordOf(aChatView())],
      outgoing: [outgoing],
      drafts: [["c1", "half"]],
      people: [person],
    });
    if (name === "in IndexedDB") {
      storage.close();
      storage = await open();
    }
    expect(await storage.load()).toEqual({
      me: aUser(),
      since: "2026-01-01T00:00:00.000Z",
      chats: [recordOf(aChatView())],
      outgoing: [outgoing],
      drafts: [["c1", "half"]],
      people: [person],
    });
    await storage.write({ sent: ["x"], drafts: [["c1", ""]], removed: ["c1"] });
    const kept = await storage.load();
    expect([kept.outgoing, kept.drafts, kept.chats]).toEqual([[], [], []]);
  });

  test("a file is kept with its message", async () => {
    const blob = new Blob(["picture"]);
    const attachment = { blob, kind: "image" as const, contentType: "image/png", filename: "x.png" };
    const draft = { type: "image" as const, content: {}, attachment };
    const record = {
      clientId: "x",
      chatId: "c1",
      draft,
      createdAt: "",
      order: 1,
      mediaId: null,
      failed: null,
    };
    await storage.write({ outgoing: [record] });
    const [kept] = (await storage.load()).outgoing;
    expect(kept?.draft.attachment?.filename).toBe("x.png");
    expect(kept?.draft.attachment?.blob).toBeDefined();
  });

  test("a message stays in its newest state", async () => {
    await storage.write({ messages: [aMessage({ seq: 1, rev: 5, content: { text: "new" } })] });
    await storage.write({ messages: [aMessage({ seq: 1, rev: 3, content: { text: "old" } })] });
    expect((await storage.messages("c1", 1, 1))[0]?.content).toEqual({ text: "new" });
    await storage.write({ messages: [aMessage({ seq: 1, rev: 6, content: { text: "newer" } })] });
    expect((await storage.messages("c1", 1, 1))[0]?.content).toEqual({ text: "newer" });
  });

  test("messages are read by chat and range, ascending, and the newest of them", async () => {
    const messages = [3, 1, 2, 5].map((seq) => aMessage({ seq }));
    await storage.write({ messages: [...messages, aMessage({ seq: 4, chat_id: "c2" })] });
    expect(await seqs(1, 3)).toEqual([1, 2, 3]);
    expect(await seqs(1, 9)).toEqual([1, 2, 3, 5]);
    expect(await seqs(1, 0)).toEqual([]);
    expect((await storage.newest("c1", 2)).at(-1)?.seq).toBe(5);
    expect(await storage.newest("c3", 2)).toEqual([]);
  });

  test("a chat begins anew before what comes with it is put", async () => {
    await storage.write({ messages: [1, 2].map((seq) => aMessage({ seq })) });
    await storage.write({ reset: ["c1"], messages: [aMessage({ seq: 9 })] });
    expect(await seqs(1, 9)).toEqual([9]);
  });

  test("of a chat the newest messages are kept", async () => {
    await storage.write({ messages: Array.from({ length: 10 }, (_, index) => aMessage({ seq: index + 1 })) });
    await storage.prune("c1", 4);
    expect(await seqs(1, 10)).toEqual([7, 8, 9, 10]);
    await prune(storage, [recordOf(aChatView({ last_seq: 10 }))]);
    expect(await seqs(1, 10)).toEqual([7, 8, 9, 10]);
  });

  test("everything is removed", async () => {
    await storage.write({ me: aUser(), messages: [aMessage({ seq: 1 })], drafts: [["c1", "x"]] });
    await storage.clear();
    expect(await storage.load()).toEqual({
      me: null,
      since: null,
      chats: [],
      outgoing: [],
      drafts: [],
      people: [],
    });
    expect(await seqs(1, 9)).toEqual([]);
  });
});
