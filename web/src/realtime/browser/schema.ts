/**
 * What the database looks like, and how an older one becomes it. A step that has been released is never changed: whoever has not been here for a year
 * goes through all that have come since.
 */
import type { DBSchema, IDBPDatabase } from "idb";
import type { MessageView } from "@/types/socket";
import type { ChatRecord } from "../chats/record";
import type { OutgoingRecord } from "../outbox/record";
import type { KeptPerson } from "../storage/storage";

export interface Schema extends DBSchema {
  state: { key: "me" | "since"; value: unknown };
  chats: { key: string; value: ChatRecord };
  messages: { key: [string, number]; value: MessageView };
  outgoing: { key: string; value: OutgoingRecord };
  drafts: { key: string; value: string };
  people: { key: string; value: KeptPerson };
}

export const STORES = ["state", "chats", "messages", "outgoing", "drafts", "people"] as const;

const STEPS: readonly ((db: IDBPDatabase<Schema>) => void)[] = [
  (db) => {
    db.createObjectStore("state");
    db.createObjectStore("chats", { keyPath: "id" });
    db.createObjectStore("messages", { keyPath: ["chat_id", "seq"] });
    db.createObjectStore("outgoing", { keyPath: "clientId" });
    db.createObjectStore("drafts");
    db.createObjectStore("people", { keyPath: "person.id" });
  },
];

export const VERSION = STEPS.length;

/** @param from the version that is there; 0 for nothing */
export function migrate(db: IDBPDatabase<Schema>, from: number): void {
  for (const step of STEPS.slice(from)) step(db);
}
