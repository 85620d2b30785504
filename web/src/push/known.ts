/**
 * What this device knows about chats, where the service worker can read it when no page is open: what they are called, in which language and
 * how much of a message may be shown. A database of its own, so that a worker of one version and a page of another never wait for each other
 * over the messages' schema. It is emptied when somebody signs out.
 */
import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { Language } from "@/i18n";
import type { KnownChat } from "./notice";

export interface Shown {
  language: Language;
  /** What somebody wrote may be shown. */
  preview: boolean;
}

interface Schema extends DBSchema {
  chats: { key: string; value: KnownChat };
  shown: { key: "shown"; value: Shown };
}

const NAME = "notices";

let opened: Promise<IDBPDatabase<Schema>> | null = null;

function database(): Promise<IDBPDatabase<Schema>> {
  opened ??= openDB<Schema>(NAME, 1, {
    upgrade(db) {
      db.createObjectStore("chats", { keyPath: "id" });
      db.createObjectStore("shown");
    },
    // Another page deletes or upgrades it: let it, and open it again when it is needed.
    blocking(_current, _blocked, event) {
      (event.target as IDBDatabase).close();
      opened = null;
    },
    terminated() {
      opened = null;
    },
  });
  return opened;
}

/** Writes down what has changed. `gone` are chats that one is no longer in. */
export async function keepChats(changed: readonly KnownChat[], gone: readonly string[]): Promise<void> {
  const transaction = (await database()).transaction("chats", "readwrite");
  for (const chat of changed) void transaction.store.put(chat);
  for (const id of gone) void transaction.store.delete(id);
  await transaction.done;
}

export async function keepShown(shown: Shown): Promise<void> {
  await (await database()).put("shown", shown, "shown");
}

export async function knownChat(id: string): Promise<KnownChat | null> {
  return (await (await database()).get("chats", id)) ?? null;
}

export async function knownShown(): Promise<Shown | null> {
  return (await (await database()).get("shown", "shown")) ?? null;
}

/** The ids that are written down, so that what has gone while nobody looked can be removed. */
export async function knownIds(): Promise<string[]> {
  return (await database()).getAllKeys("chats");
}

export async function forgetAll(): Promise<void> {
  const transaction = (await database()).transaction(["chats", "shown"], "readwrite");
  void transaction.objectStore("chats").clear();
  void transaction.objectStore("shown").clear();
  await transaction.done;
}
