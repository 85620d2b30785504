/** What a browser keeps, in IndexedDB. One database a user: who signs in next on this browser sees nothing of it. */
import { type IDBPDatabase, type IDBPTransaction, openDB } from "idb";
import type { MessageView } from "@/types/socket";
import { lastRun, newest } from "../history/stretch";
import { inOrder } from "../outbox/record";
import type { ChatId } from "../realtime";
import { type Batch, type Kept, type Storage, StorageError, type StorageTrouble } from "../storage/storage";
import { migrate, type Schema, STORES, VERSION } from "./schema";

/** A browser that does not answer for so long will not: another tab holds on to an older version, or the disk is not well. */
const OPENS_WITHIN_MS = 10_000;
const ALL = Number.MAX_SAFE_INTEGER;

const range = (chatId: ChatId, from = 0, to = ALL) => IDBKeyRange.bound([chatId, from], [chatId, to]);

/** @throws StorageError where the browser keeps nothing (private windows of some, a full disk), or does not let this version at it */
export function openIndexedDb(userId: string): Promise<Storage> {
  let isBlocked = false;
  const opening = openDB<Schema>(`chat-${userId}`, VERSION, {
    upgrade: migrate,
    blocked: () => {
      isBlocked = true;
    },
    // A newer version of the client in another tab must not wait for this one.
    blocking: (_current, _blocked, event) => (event.target as IDBDatabase).close(),
  });
  return new Promise((resolve, reject) => {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      reject(new StorageError(isBlocked ? "blocked" : "unavailable", "the browser does not open the store"));
    }, OPENS_WITHIN_MS);
    opening.then(
      (db) => {
        clearTimeout(timer);
        if (isLate) db.close();
        else resolve(new IndexedDbStorage(db));
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(troubleOf(error));
      },
    );
  });
}

class IndexedDbStorage implements Storage {
  constructor(private readonly db: IDBPDatabase<Schema>) {}

  load(): Promise<Kept> {
    return asked(async () => {
      const tx = this.db.transaction(["state", "chats", "outgoing", "drafts", "people"]);
      const drafts = tx.objectStore("drafts");
      const [me, since, chats, outgoing, chatIds, texts, people] = await Promise.all([
        tx.objectStore("state").get("me"),
        tx.objectStore("state").get("since"),
        tx.objectStore("chats").getAll(),
        tx.objectStore("outgoing").getAll(),
        drafts.getAllKeys(),
        drafts.getAll(),
        tx.objectStore("people").getAll(),
      ]);
      return {
        me: (me as Kept["me"]) ?? null,
        since: (since as Kept["since"]) ?? null,
        chats,
        outgoing: inOrder(outgoing),
        drafts: chatIds.map((chatId, index) => [chatId, texts[index] ?? ""]),
        people,
      };
    });
  }

  write(batch: Batch): Promise<void> {
    return asked(async () => {
      const tx = this.db.transaction(STORES, "readwrite");
      const puts: Promise<unknown>[] = [];
      try {
        for (const put of requests(tx, batch)) puts.push(put);
        await Promise.all([...puts, tx.done]);
      } catch (error) {
        // A value that cannot be kept throws, and would leave what was put before it to be committed.
        if (tx.error === null) abort(tx);
        await Promise.allSettled([...puts, tx.done]);
        throw tx.error ?? error;
      }
    });
  }

  messages(chatId: ChatId, from: number, to: number): Promise<MessageView[]> {
    // A range that ends before it begins is an error to IndexedDB.
    if (from > to) return Promise.resolve([]);
    return asked(() => this.db.getAll("messages", range(chatId, from, to)));
  }

  newest(chatId: ChatId, limit: number): Promise<MessageView[]> {
    return asked(async () => {
      const store = this.db.transaction("messages").store;
      const last = await store.openKeyCursor(range(chatId), "prev");
      if (last === null) return [];
      const [, seq] = last.key;
      // Nearly always without holes: one read by range is many times faster than a cursor.
      return [...lastRun(await store.getAll(range(chatId, Math.max(0, seq - limit + 1), seq)))];
    });
  }

  prune(chatId: ChatId, keep: number): Promise<void> {
    return asked(async () => {
      const tx = this.db.transaction("messages", "readwrite");
      const keys = await tx.store.getAllKeys(range(chatId));
      const last = keys[keys.length - keep - 1];
      if (last !== undefined) await tx.store.delete(range(chatId, 0, last[1]));
      await tx.done;
    });
  }

  clear(): Promise<void> {
    return asked(async () => {
      const tx = this.db.transaction(STORES, "readwrite");
      await Promise.all([...STORES.map((name) => tx.objectStore(name).clear()), tx.done]);
    });
  }

  close(): void {
    this.db.close();
  }
}

type Writing = IDBPTransaction<Schema, typeof STORES, "readwrite">;

/** Asks for everything that a batch holds, in the order that `Batch` promises. */
function* requests(tx: Writing, batch: Batch): Generator<Promise<unknown>> {
  const state = tx.objectStore("state");
  const chats = tx.objectStore("chats");
  const messages = tx.objectStore("messages");
  const outgoing = tx.objectStore("outgoing");
  const drafts = tx.objectStore("drafts");
  if (batch.me !== undefined) yield state.put(batch.me, "me");
  if (batch.since !== undefined) yield state.put(batch.since, "since");
  for (const chatId of batch.removed ?? []) {
    yield chats.delete(chatId);
    yield messages.delete(range(chatId));
    yield drafts.delete(chatId);
  }
  for (const chatId of batch.reset ?? []) yield messages.delete(range(chatId));
  for (const chat of batch.chats ?? []) yield chats.put(chat);
  // Two states of one message in a batch would both be compared with what was there before it.
  for (const message of newest(batch.messages ?? []))
    yield messages.get([message.chat_id, message.seq]).then(async (there) => {
      if (there === undefined || message.rev >= there.rev) await messages.put(message);
    });
  for (const record of batch.outgoing ?? []) yield outgoing.put(record);
  for (const clientId of batch.sent ?? []) yield outgoing.delete(clientId);
  for (const person of batch.people ?? []) yield tx.objectStore("people").put(person);
  for (const [chatId, text] of batch.drafts ?? [])
    yield text === "" ? drafts.delete(chatId) : drafts.put(text, chatId);
}

function abort(tx: Writing): void {
  try {
    tx.abort();
  } catch (error) {
    // It has come to its end by itself.
    if (!(error instanceof DOMException && error.name === "InvalidStateError")) throw error;
  }
}

async function asked<T>(question: () => Promise<T>): Promise<T> {
  try {
    return await question();
  } catch (error) {
    throw troubleOf(error);
  }
}

const TROUBLES: Readonly<Record<string, StorageTrouble>> = {
  QuotaExceededError: "full",
  InvalidStateError: "closed",
  VersionError: "newer",
};

function troubleOf(error: unknown): StorageError {
  return new StorageError((error instanceof Error && TROUBLES[error.name]) || "unavailable", error);
}
