// @vitest-environment node
/** What every store promises, over each: what one does and another does not is found here, and not in a browser. */
import { beforeEach, describe, expect, test } from "vitest";
import { aChatView, aMessage, aPerson, aUser } from "@/testing/realtime";
import { type OpenStore, STORES } from "@/testing/stores";
import { recordOf } from "../chats/record";
import type { OutgoingRecord } from "../outbox/record";
import { KEPT_PER_CHAT, prune } from "./pruning";
import type { Storage } from "./storage";

const NOTHING = { me: null, since: null, chats: [], outgoing: [], drafts: [], people: [] };
const SINCE = "2026-01-01T00:00:00.000Z";

function anOutgoing(changed: Partial<OutgoingRecord> = {}): OutgoingRecord {
  return {
    clientId: "x",
    chatId: "c1",
    draft: { type: "text", content: { text: "hello" } },
    createdAt: SINCE,
    order: 1,
    mediaId: null,
    failed: null,
    ...changed,
  };
}

const messages = (seqs: readonly number[], chat_id = "c1") => seqs.map((seq) => aMessage({ seq, chat_id }));
const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);

describe.each(STORES)("%s", (_, device) => {
  let open: OpenStore;
  let storage: Storage;
  /** The same store, as another tab has it. */
  let other: Storage;

  beforeEach(async () => {
    open = device();
    storage = await open();
    other = await open();
  });

  const seqs = async (from: number, to: number, chatId = "c1") =>
    (await storage.messages(chatId, from, to)).map(({ seq }) => seq);
  const newest = async (limit: number, chatId = "c1") =>
    (await storage.newest(chatId, limit)).map(({ seq }) => seq);
  const texts = async (chatId = "c1") =>
    (await storage.messages(chatId, 1, 99)).map(({ content }) => (content as { text: string }).text);

  describe("what is kept", () => {
    test("is nothing at first", async () => {
      expect(await storage.load()).toEqual(NOTHING);
      expect(await seqs(1, 9)).toEqual([]);
      expect(await newest(9)).toEqual([]);
    });

    test("is there when the store is opened again, and in other tabs at once", async () => {
      const all = {
        me: aUser(),
        since: SINCE,
        chats: [recordOf(aChatView())],
        outgoing: [anOutgoing()],
        drafts: [["c1", "half"]] as [string, string][],
        people: [{ person: aPerson(), at: 5 }],
      };
      await storage.write({ ...all, messages: messages([1]) });
      expect(await other.load()).toEqual(all);
      storage.close();
      other.close();
      storage = await open();
      expect(await storage.load()).toEqual(all);
      expect(await seqs(1, 9)).toEqual([1]);
    });

    test("is replaced by what is written under the same name", async () => {
      await storage.write({
        me: aUser(),
        since: SINCE,
        chats: [recordOf(aChatView())],
        outgoing: [anOutgoing()],
        drafts: [["c1", "half"]],
        people: [{ person: aPerson(), at: 5 }],
      });
      const all = {
        me: aUser({ name: "Anna" }),
        since: "2026-01-02T00:00:00.000Z",
        chats: [{ ...recordOf(aChatView({ title: "new" })), synced: 7 }],
        outgoing: [anOutgoing({ mediaId: "m1" })],
        drafts: [["c1", "half a sentence"]] as [string, string][],
        people: [{ person: aPerson({ name: "Benjamin" }), at: 6 }],
      };
      await storage.write(all);
      expect(await storage.load()).toEqual(all);
    });

    test("stays as it is where a write says nothing of it", async () => {
      await storage.write({ me: aUser(), since: SINCE, drafts: [["c1", "half"]], messages: messages([1]) });
      await storage.write({});
      await storage.write({ chats: [recordOf(aChatView())] });
      expect(await storage.load()).toMatchObject({ me: aUser(), since: SINCE, drafts: [["c1", "half"]] });
      expect(await seqs(1, 9)).toEqual([1]);
    });
  });

  describe("messages", () => {
    test("are read by chat and range, ascending, with the holes there are", async () => {
      await storage.write({ messages: [...messages([30, 3, 1, 2, 5, 10]), ...messages([4], "c2")] });
      expect(await seqs(1, 3)).toEqual([1, 2, 3]);
      expect(await seqs(2, 5)).toEqual([2, 3, 5]);
      expect(await seqs(1, 99)).toEqual([1, 2, 3, 5, 10, 30]);
      expect(await seqs(4, 4)).toEqual([]);
      expect(await seqs(1, 99, "c2")).toEqual([4]);
    });

    test.each([
      [1, 0],
      [0, 0],
      [-3, 0],
      [9, 1],
    ])("from %i to %i are none", async (from, to) => {
      await storage.write({ messages: messages(upTo(9)) });
      expect(await seqs(from, to)).toEqual([]);
    });

    test("of a chat whose name begins like another's are its own", async () => {
      await storage.write({
        messages: [...messages([1], "c1"), ...messages([2], "c11"), ...messages([3], "c")],
      });
      expect(await seqs(1, 9)).toEqual([1]);
      expect(await newest(9, "c")).toEqual([3]);
      await storage.write({ removed: ["c1"] });
      expect([await seqs(1, 9, "c11"), await seqs(1, 9, "c")]).toEqual([[2], [3]]);
    });

    test("that are the newest end with the last one, and begin behind the last hole", async () => {
      await storage.write({ messages: messages([1, 2, 3, 4, 7, 8, 9]) });
      expect(await newest(2)).toEqual([8, 9]);
      expect(await newest(3)).toEqual([7, 8, 9]);
      expect(await newest(4)).toEqual([7, 8, 9]);
      expect(await newest(99)).toEqual([7, 8, 9]);
      await storage.write({ messages: messages([5, 6]) });
      expect(await newest(99)).toEqual(upTo(9));
      await storage.write({ messages: messages([500]) });
      expect(await newest(99)).toEqual([500]);
    });

    test("stay in the state of their greatest rev, in whatever order states come", async () => {
      const state = (rev: number, text: string) => aMessage({ seq: 1, rev, content: { text } });
      await storage.write({ messages: [state(5, "new")] });
      await storage.write({ messages: [state(3, "old")] });
      expect(await texts()).toEqual(["new"]);
      await storage.write({ messages: [state(6, "newer")] });
      expect(await texts()).toEqual(["newer"]);
      await storage.write({ messages: [state(8, "newest"), state(7, "late")] });
      expect(await texts()).toEqual(["newest"]);
      await storage.write({ messages: [state(9, ""), { ...state(10, ""), deleted: true, content: {} }] });
      expect((await storage.messages("c1", 1, 1))[0]).toMatchObject({ rev: 10, deleted: true });
    });

    test("are kept of a chat so many, the newest", async () => {
      await storage.write({ messages: [...messages([1, 2, 3, 5, 6, 9]), ...messages([1, 2], "c2")] });
      await storage.prune("c1", 4);
      expect(await seqs(1, 99)).toEqual([3, 5, 6, 9]);
      await storage.prune("c1", 4);
      await storage.prune("c1", 100);
      await storage.prune("c3", 1);
      expect(await seqs(1, 99)).toEqual([3, 5, 6, 9]);
      expect(await seqs(1, 99, "c2")).toEqual([1, 2]);
    });

    test("of a chat that is small are all kept", async () => {
      await storage.write({ messages: messages(upTo(10)) });
      await prune(storage, [recordOf(aChatView({ last_seq: KEPT_PER_CHAT }))]);
      expect(await seqs(1, 99)).toEqual(upTo(10));
    });
  });

  describe("a chat", () => {
    const chats = async () => (await storage.load()).chats.map(({ id }) => id).sort();

    test("that is removed takes its messages and its draft with it, and nobody else's", async () => {
      await storage.write({
        chats: ["c1", "c2"].map((id) => recordOf(aChatView({ id }))),
        messages: [...messages([1, 2]), ...messages([1], "c2")],
        drafts: [
          ["c1", "one"],
          ["c2", "two"],
        ],
        outgoing: [anOutgoing()],
      });
      await storage.write({ removed: ["c1"] });
      expect(await chats()).toEqual(["c2"]);
      expect([await seqs(1, 9), await seqs(1, 9, "c2")]).toEqual([[], [1]]);
      expect((await storage.load()).drafts).toEqual([["c2", "two"]]);
      // Its outbox is told apart: the writer decides.
      expect((await storage.load()).outgoing.length).toBe(1);
    });

    test("that is removed and is there again in one write is there, with what is new", async () => {
      await storage.write({
        chats: [recordOf(aChatView())],
        messages: messages([1, 2]),
        drafts: [["c1", "old"]],
      });
      const record = recordOf(aChatView({ last_seq: 9 }));
      await storage.write({
        removed: ["c1"],
        chats: [record],
        messages: messages([9]),
        drafts: [["c1", "new"]],
      });
      expect((await storage.load()).chats).toEqual([record]);
      expect((await storage.load()).drafts).toEqual([["c1", "new"]]);
      expect(await seqs(1, 99)).toEqual([9]);
    });

    test("begins anew before what comes with it is put, whatever its rev", async () => {
      await storage.write({
        messages: [1, 2, 9].map((seq) => aMessage({ seq, rev: 50 })),
        drafts: [["c1", "x"]],
      });
      await storage.write({ reset: ["c1"], messages: [aMessage({ seq: 9, rev: 3 })] });
      expect((await storage.messages("c1", 1, 9)).map(({ seq, rev }) => [seq, rev])).toEqual([[9, 3]]);
      expect((await storage.load()).drafts).toEqual([["c1", "x"]]);
    });

    test("has moved on exactly as far as what came with it: its `synced` and its messages are one write", async () => {
      const at = (synced: number) => ({ ...recordOf(aChatView()), synced });
      const writes = upTo(5).map((rev) => storage.write({ chats: [at(rev)], messages: messages([rev]) }));
      const seen = upTo(5).map(async () => {
        const [kept, there] = [await other.load(), await other.messages("c1", 1, 9)];
        return there.length >= (kept.chats[0]?.synced ?? 0);
      });
      await Promise.all(writes);
      expect(await Promise.all(seen)).toEqual(Array(5).fill(true));
      expect((await storage.load()).chats[0]?.synced).toBe(5);
    });
  });

  describe("the outbox", () => {
    const order = async () => (await storage.load()).outgoing.map(({ clientId }) => clientId);

    test("is in the order in which it is to be sent, whatever its names and whenever it was written", async () => {
      await storage.write({ outgoing: [anOutgoing({ clientId: "b", order: 2 })] });
      await storage.write({
        outgoing: [anOutgoing({ clientId: "c", order: 1 }), anOutgoing({ clientId: "a", order: 3 })],
      });
      expect(await order()).toEqual(["c", "b", "a"]);
      await storage.write({ outgoing: [anOutgoing({ clientId: "c", order: 4 })] });
      expect(await order()).toEqual(["b", "a", "c"]);
    });

    test("loses what is done with, once, and for good", async () => {
      await storage.write({ outgoing: [anOutgoing({ clientId: "a" }), anOutgoing({ clientId: "b" })] });
      await storage.write({ messages: messages([1]), sent: ["a"] });
      await storage.write({ sent: ["a", "never there"] });
      expect(await order()).toEqual(["b"]);
      await storage.write({ outgoing: [anOutgoing({ clientId: "c" })], sent: ["c"] });
      expect(await order()).toEqual(["b"]);
    });

    test("keeps a file with its message", async () => {
      const blob = new Blob(["picture"], { type: "image/png" });
      const attachment = { blob, kind: "image" as const, contentType: "image/png", filename: "x.png" };
      await storage.write({ outgoing: [anOutgoing({ draft: { type: "image", content: {}, attachment } })] });
      const kept = (await other.load()).outgoing[0]?.draft.attachment;
      expect(kept?.filename).toBe("x.png");
      expect(kept?.blob.type).toBe("image/png");
      expect(await kept?.blob.text()).toBe("picture");
    });

    test("keeps why a message has failed", async () => {
      const failed = { code: "forbidden", message: "blocked" };
      await storage.write({ outgoing: [anOutgoing({ failed })] });
      expect((await storage.load()).outgoing[0]?.failed).toEqual(failed);
    });
  });

  test("a draft that is empty is none", async () => {
    await storage.write({
      drafts: [
        ["c1", "one"],
        ["c2", "  "],
        ["c3", ""],
      ],
    });
    expect((await storage.load()).drafts.sort()).toEqual([
      ["c1", "one"],
      ["c2", "  "],
    ]);
    await storage.write({ drafts: [["c1", ""]] });
    await other.write({ drafts: [["c2", ""]] });
    expect((await storage.load()).drafts).toEqual([]);
  });

  describe("two tabs that write at once", () => {
    test("both write whole: the later one counts, and nothing of either is lost", async () => {
      const writes = upTo(20).map((seq) =>
        (seq % 2 === 0 ? storage : other).write({
          messages: messages([seq]),
          drafts: [["c1", `draft ${seq}`]],
          outgoing: [anOutgoing({ clientId: `client-${seq}`, order: seq })],
        }),
      );
      await Promise.all(writes);
      expect(await newest(99)).toEqual(upTo(20));
      expect((await other.load()).outgoing.map((each) => each.order)).toEqual(upTo(20));
      expect((await other.load()).drafts).toEqual([["c1", "draft 20"]]);
    });

    test("never put an old state of a message over a new one", async () => {
      const state = (rev: number) => aMessage({ seq: 1, rev, content: { text: `state ${rev}` } });
      const revs = [3, 9, 1, 8, 2, 7];
      await Promise.all(
        revs.map((rev, index) => (index % 2 === 0 ? storage : other).write({ messages: [state(rev)] })),
      );
      expect(await texts()).toEqual(["state 9"]);
    });

    test("leave nothing of a chat that one removes behind what the other has written before", async () => {
      const written = other.write({ chats: [recordOf(aChatView())], messages: messages([1, 2]) });
      await Promise.all([written, storage.write({ removed: ["c1"] })]);
      expect((await other.load()).chats).toEqual([]);
      expect(await seqs(1, 9)).toEqual([]);
    });
  });

  test("signing out forgets everything, also what another tab has written", async () => {
    await storage.write({
      me: aUser(),
      since: SINCE,
      chats: [recordOf(aChatView())],
      messages: messages([1]),
      outgoing: [anOutgoing()],
      people: [{ person: aPerson(), at: 1 }],
    });
    const last = other.write({ messages: messages([2]), drafts: [["c1", "x"]] });
    await Promise.all([last, storage.clear()]);
    for (const each of [storage, other, await open()]) expect(await each.load()).toEqual(NOTHING);
    expect(await seqs(1, 9)).toEqual([]);
  });
});
