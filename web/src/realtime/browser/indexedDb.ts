/** What a browser keeps, in IndexedDB. One database a user: who signs in next on this browser sees nothing of it. */
import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { MessageView } from "@/types/socket";
import type { ChatRecord } from "../chats/record";
import type { OutgoingRecord } from "../outbox/record";
import type { ChatId } from "../realtime";
import type { Batch, Kept, KeptPerson, Storage } from "../storage/storage";

interface Schema extends DBSchema {
  state: { key: "me" | "since"; value: unknown };
  chats: { key: string; value: ChatRecord };
  messages: { key: [string, number]; value: MessageView };
  outgoing: { key: string; value: OutgoingRecord };
  drafts: { key: string; value: string };
  people: { key: string; value: KeptPerson };
}

const STORES = ["state", "chats", "messages", "outgoing", "drafts", "people"] as const;
const VERSION = 1;
const ALL = Number.MAX_SAFE_INTEGER;

const range = (chatId: ChatId, from = 0, to = ALL) => IDBKeyRange.bound([chatId, from], [chatId, to]);

/** @throws DOMException where the browser keeps nothing (private windows of some, or a full disk) */
export async function openIndexedDb(userId: string): Promise<Storage> {
  const db = await openDB<Schema>(`chat-${userId}`, VERSION, {
    upgrade(fresh) {
      fresh.createObjectStore("state");
      fresh.createObjectStore("chats", { keyPath: "id" });
      fresh.createObjectStore("messages", { keyPath: ["chat_id", "seq"] });
      fresh.createObjectStore("outgoing", { keyPath: "clientId" });
      fresh.createObjectStore("drafts");
      fresh.createObjectStore("people", { keyPath: "person.id" });
    },
    // A newer version of the client in another tab must not wait for this one.
    blocking: (_current, _blocked, event) => (event.target as IDBDatabase).close(),
  });
  return new IndexedDbStorage(db);
}

class IndexedDbStorage implements Storage {
  constructor(private readonly db: IDBPDatabase<Schema>) {}

  async load(): Promise<Kept> {
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
      outgoing,
      drafts: chatIds.map((chatId, index) => [chatId, texts[index] ?? ""]),
      people,
    };
  }

  async write(batch: Batch): Promise<void> {
    const tx = this.db.transaction(STORES, "readwrite");
    const asked: Promise<unknown>[] = [tx.done];
    const state = tx.objectStore("state");
    const messages = tx.objectStore("messages");
    if (batch.me !== undefined) asked.push(state.put(batch.me, "me"));
    if (batch.since !== undefined) asked.push(state.put(batch.since, "since"));
    for (const chatId of batch.removed ?? []) {
      asked.push(tx.objectStore("chats").delete(chatId));
      asked.push(messages.delete(range(chatId)));
      asked.push(tx.objectStore("drafts").delete(chatId));
    }
    for (const chatId of batch.reset ?? []) asked.push(messages.delete(range(chatId)));
    for (const chat of batch.chats ?? []) asked.push(tx.objectStore("chats").put(chat));
    for (const message of batch.messages ?? [])
      asked.push(
        messages.get([message.chat_id, message.seq]).then(async (there) => {
          if (there === undefined || message.rev >= there.rev) await messages.put(message);
        }),
      );
    for (const record of batch.outgoing ?? []) asked.push(tx.objectStore("outgoing").put(record));
    for (const clientId of batch.sent ?? []) asked.push(tx.objectStore("outgoing").delete(clientId));
    for (const person of batch.people ?? []) asked.push(tx.objectStore("people").put(person));
    for (const [chatId, text] of batch.drafts ?? [])
      asked.push(
        text === "" ? tx.objectStore("drafts").delete(chatId) : tx.objectStore("drafts").put(text, chatId),
      );
    await Promise.all(asked);
  }

  async messages(chatId: ChatId, from: number, to: number): Promise<MessageView[]> {
    // A range that ends before it begins is an error to IndexedDB.
    return from > to ? [] : this.db.getAll("messages", range(chatId, from, to));
  }

  async newest(chatId: ChatId, limit: number): Promise<MessageView[]> {
    const store = this.db.transaction("messages").store;
    const last = await store.openKeyCursor(range(chatId), "prev");
    if (last === null) return [];
    const [, seq] = last.key;
    // Nearly always without holes: one read by range is many times faster than a cursor.
    const found = await store.getAll(range(chatId, Math.max(0, seq - limit + 1), seq));
    return found.slice(-limit);
  }

  async prune(chatId: ChatId, keep: number): Promise<void> {
    const tx = this.db.transaction("messages", "readwrite");
    const keys = await tx.store.getAllKeys(range(chatId));
    const last = keys[keys.length - keep - 1];
    if (last !== undefined) await tx.store.delete(range(chatId, 0, last[1]));
    await tx.done;
  }

  async clear(): Promise<void> {
    const tx = this.db.transaction(STORES, "readwrite");
    await Promise.all([...STORES.map((name) => tx.objectStore(name).clear()), tx.done]);
  }

  close(): void {
    this.db.close();
  }
}
