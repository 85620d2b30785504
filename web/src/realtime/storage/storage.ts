/**
 * What a device keeps: a port. Every write is atomic, and what is asked happens in the order in which it is asked, reads and writes. Several tabs have
 * the same store open at a time; each sees what another has written as soon as that is done.
 *
 * Whatever cannot be done is a `StorageError`.
 */
import type { MessageView, OwnUser, Timestamp } from "@/types/socket";
import type { ChatRecord } from "../chats/record";
import type { OutgoingRecord } from "../outbox/record";
import type { ChatId, Person } from "../realtime";

export interface KeptPerson {
  person: Person;
  /** Milliseconds since the epoch, when the server said so. */
  at: number;
}

export interface Kept {
  me: OwnUser | null;
  /** `server_time` of the last join's answer. */
  since: Timestamp | null;
  chats: ChatRecord[];
  /** In the order in which they are to be sent. */
  outgoing: OutgoingRecord[];
  drafts: [ChatId, string][];
  people: KeptPerson[];
}

export interface Batch {
  me?: OwnUser;
  since?: Timestamp;
  chats?: readonly ChatRecord[];
  /** Chats of which nothing is kept any more. */
  removed?: readonly ChatId[];
  /** Chats whose messages are forgotten, before `messages` are put. */
  reset?: readonly ChatId[];
  /** A message that is there in a newer state stays as it is. */
  messages?: readonly MessageView[];
  outgoing?: readonly OutgoingRecord[];
  /** `client_id`s that are done with. */
  sent?: readonly string[];
  people?: readonly KeptPerson[];
  /** `""` removes one. */
  drafts?: readonly [ChatId, string][];
}

/**
 * `full`: there is no room. `closed`: a newer version of the client has taken the store over, or the browser has. `newer`: it is a newer version's.
 * `blocked`: an older version in another tab does not let go of it. `unavailable`: everything else.
 */
export type StorageTrouble = "full" | "closed" | "newer" | "blocked" | "unavailable";

export class StorageError extends Error {
  override readonly name = "StorageError";

  constructor(
    readonly code: StorageTrouble,
    cause: unknown,
  ) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

export interface Storage {
  load(): Promise<Kept>;
  /** All of it, or nothing. */
  write(batch: Batch): Promise<void>;
  /** Messages with `from <= seq <= to` that are kept, ascending; there may be holes. */
  messages(chatId: ChatId, from: number, to: number): Promise<MessageView[]>;
  /** The newest that are kept, ascending, without a hole; `limit` of them at most. */
  newest(chatId: ChatId, limit: number): Promise<MessageView[]>;
  /** Keeps the newest `keep` messages of a chat only. */
  prune(chatId: ChatId, keep: number): Promise<void>;
  /** Removes everything. */
  clear(): Promise<void>;
  close(): void;
}
