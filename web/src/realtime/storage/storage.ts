/** What a device keeps: a port. Every write is atomic, and writes happen in the order in which they are asked for. */
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

export interface Storage {
  load(): Promise<Kept>;
  write(batch: Batch): Promise<void>;
  /** Messages with `from <= seq <= to` that are kept, ascending. */
  messages(chatId: ChatId, from: number, to: number): Promise<MessageView[]>;
  /** The newest `limit` of those that are kept, ascending. */
  newest(chatId: ChatId, limit: number): Promise<MessageView[]>;
  /** Keeps the newest `keep` messages of a chat only. */
  prune(chatId: ChatId, keep: number): Promise<void>;
  /** Removes everything. */
  clear(): Promise<void>;
  close(): void;
}
