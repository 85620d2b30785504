// @vitest-environment node
/** What is IndexedDB's own: versions, other tabs that hold on to it, a disk that is full. What every store promises is in `storage.test.ts`. */
import "fake-indexeddb/auto";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { aChatView, aMessage, aPerson, aUser } from "@/testing/realtime";
import { recordOf } from "../chats/record";
import { openIndexedDb } from "./indexedDb";
import { VERSION } from "./schema";

let users = 0;
let userId: string;

beforeEach(() => {
  users += 1;
  userId = `user-${users}`;
});

afterEach(() => {
  vi.useRealTimers();
});

/** The database as a client of some version has it, which does not let go of it when another version comes. */
function held(version: number, upgrade: (db: IDBDatabase) => void = () => undefined): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(`chat-${userId}`, version);
    request.onupgradeneeded = () => upgrade(request.result);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** The first version that was released. Never to be changed. */
function firstVersion(db: IDBDatabase): void {
  db.createObjectStore("state");
  db.createObjectStore("chats", { keyPath: "id" });
  db.createObjectStore("messages", { keyPath: ["chat_id", "seq"] });
  db.createObjectStore("outgoing", { keyPath: "clientId" });
  db.createObjectStore("drafts");
  db.createObjectStore("people", { keyPath: "person.id" });
}

const chats = async () => (await (await openIndexedDb(userId)).load()).chats.map(({ id }) => id);

describe("versions", () => {
  test("what the first one has kept is there", async () => {
    const old = await held(1, firstVersion);
    const tx = old.transaction([...old.objectStoreNames], "readwrite");
    const outgoing = {
      clientId: "x",
      chatId: "c1",
      draft: { type: "text", content: { text: "unsent" } },
      createdAt: "2026-01-01T00:00:00.000Z",
      order: 1,
      mediaId: null,
      failed: null,
    };
    const person = { person: aPerson(), at: 5 };
    tx.objectStore("state").put(aUser(), "me");
    tx.objectStore("state").put("2026-01-01T00:00:00.000Z", "since");
    tx.objectStore("chats").put(recordOf(aChatView()));
    tx.objectStore("messages").put(aMessage({ seq: 1 }));
    tx.objectStore("outgoing").put(outgoing);
    tx.objectStore("drafts").put("half", "c1");
    tx.objectStore("people").put(person);
    await new Promise((resolve) => {
      tx.oncomplete = resolve;
    });
    old.close();
    const storage = await openIndexedDb(userId);
    expect(await storage.load()).toEqual({
      me: aUser(),
      since: "2026-01-01T00:00:00.000Z",
      chats: [recordOf(aChatView())],
      outgoing: [outgoing],
      drafts: [["c1", "half"]],
      people: [person],
    });
    expect(await storage.messages("c1", 1, 9)).toEqual([aMessage({ seq: 1 })]);
  });

  test("a newer one is not held up; this one is told that the store is closed, and cannot open it again", async () => {
    const storage = await openIndexedDb(userId);
    await storage.write({ chats: [recordOf(aChatView())] });
    const newer = await held(VERSION + 1);
    await expect(storage.write({ chats: [recordOf(aChatView({ id: "c2" }))] })).rejects.toMatchObject({
      name: "StorageError",
      code: "closed",
    });
    await expect(storage.load()).rejects.toMatchObject({ code: "closed" });
    await expect(openIndexedDb(userId)).rejects.toMatchObject({ name: "StorageError", code: "newer" });
    newer.close();
  });

  test("an older one that does not let go is not waited for without end", async () => {
    // There is none older than the first: a tab that removes the database waits for the same.
    const old = await held(1, firstVersion);
    const removing = indexedDB.deleteDatabase(`chat-${userId}`);
    await new Promise((resolve) => {
      removing.onblocked = resolve;
    });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const opening = expect(openIndexedDb(userId)).rejects.toMatchObject({ name: "StorageError" });
    await vi.advanceTimersByTimeAsync(10_000);
    await opening;
    vi.useRealTimers();
    old.close();
    // The one that was given up has been closed when it came, and is in nobody's way.
    const storage = await openIndexedDb(userId);
    expect((await storage.load()).me).toBeNull();
    storage.close();
  });
});

describe("a write that cannot be done", () => {
  /** Ends the transaction of the second thing that is put, as a browser does for this reason. */
  function failing(fail: (store: IDBObjectStore) => void): void {
    const put = IDBObjectStore.prototype.put;
    let puts = 0;
    vi.spyOn(IDBObjectStore.prototype, "put").mockImplementation(function (this: IDBObjectStore, ...args) {
      puts += 1;
      if (puts === 2) fail(this);
      return put.apply(this, args);
    });
  }

  const full = () => new DOMException("no room", "QuotaExceededError");

  test.each([
    [
      "at once",
      () => {
        throw full();
      },
    ],
    [
      "when it is committed",
      (store: IDBObjectStore) =>
        (store.transaction as unknown as { _abort: (why: string) => void })._abort("QuotaExceededError"),
    ],
  ])("because the disk is full, which is found out %s, leaves nothing of it", async (_, fail) => {
    const storage = await openIndexedDb(userId);
    await storage.write({ chats: [recordOf(aChatView({ id: "before" }))] });
    failing(fail);
    const two = ["c1", "c2"].map((id) => recordOf(aChatView({ id })));
    await expect(storage.write({ chats: two })).rejects.toMatchObject({ name: "StorageError", code: "full" });
    vi.restoreAllMocks();
    expect(await chats()).toEqual(["before"]);
    await storage.write({ chats: [recordOf(aChatView({ id: "after" }))] });
    expect((await chats()).sort()).toEqual(["after", "before"]);
  });

  test("because something in it cannot be kept leaves nothing of it", async () => {
    const storage = await openIndexedDb(userId);
    const draft = { type: "text" as const, content: { text: () => "a function" } };
    const outgoing = {
      clientId: "x",
      chatId: "c1",
      draft,
      createdAt: "",
      order: 1,
      mediaId: null,
      failed: null,
    };
    await expect(
      storage.write({
        chats: [recordOf(aChatView())],
        messages: [aMessage({ seq: 1 })],
        outgoing: [outgoing],
      }),
    ).rejects.toMatchObject({ name: "StorageError", code: "unavailable" });
    expect(await chats()).toEqual([]);
    expect(await storage.messages("c1", 1, 9)).toEqual([]);
  });
});

test("a store that the browser has closed says so, whatever is asked", async () => {
  const storage = await openIndexedDb(userId);
  storage.close();
  const closed = { name: "StorageError", code: "closed" };
  await expect(storage.load()).rejects.toMatchObject(closed);
  await expect(storage.write({ me: aUser() })).rejects.toMatchObject(closed);
  await expect(storage.messages("c1", 1, 9)).rejects.toMatchObject(closed);
  await expect(storage.newest("c1", 9)).rejects.toMatchObject(closed);
  await expect(storage.prune("c1", 9)).rejects.toMatchObject(closed);
  await expect(storage.clear()).rejects.toMatchObject(closed);
});
