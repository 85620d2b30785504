/**
 * What the interface may ask of the realtime side, and what it sees of it. The interface never touches a socket, a store of messages or an outbox.
 *
 * State is a tree of immutable values in a `zustand/vanilla` store: a value that has not changed is the same object, so that selectors are cheap.
 * Nothing in this folder needs a DOM: what a browser gives (IndexedDB, Web Locks, BroadcastChannel) comes in through ports.
 */
import type { StoreApi } from "zustand/vanilla";
import type {
  ChatView,
  FeedEvents,
  LivePosition,
  MessageType,
  MessageView,
  OwnUser,
  Timestamp,
} from "@/types/socket";

export type ChatId = string;
export type UserId = string;

export type ConnectionState =
  /** Nobody is signed in, or the session is over: the interface leads to sign-in. */
  | { status: "signed-out" }
  /** The device has no network. */
  | { status: "offline" }
  /** `retryAt`: milliseconds since the epoch when the next try begins; `null` while one is on its way. */
  | { status: "connecting"; retryAt: number | null }
  | { status: "catching-up" }
  | { status: "online" };

/** Somebody, as far as this device knows. `online` and `lastSeen` are known for contacts alone. */
export interface Person {
  id: UserId;
  name: string;
  status: string;
  avatarMediaId: string | null;
  online: boolean;
  lastSeen: Timestamp | null;
  deleted: boolean;
}

/** A file that goes with a message that is not sent yet. Kept with it in the outbox, so that a closed tab loses nothing. */
export interface Attachment {
  blob: Blob;
  kind: "image" | "video" | "audio" | "document";
  contentType: string;
  filename: string;
}

export interface Draft {
  type: MessageType;
  content: Record<string, unknown>;
  attachment?: Attachment;
  /** Instead of an attachment: a file that this user has uploaded before. */
  mediaId?: string;
  replyTo?: number;
  /** It was written elsewhere, and is passed on. */
  forwarded?: true;
}

/** A message of one's own that the server has not acknowledged. */
export interface Outgoing {
  clientId: string;
  chatId: ChatId;
  draft: Draft;
  createdAt: Timestamp;
  /** `waiting`: for the network, or for the server, which has queued it; nothing to be done. `failed`: will not be sent unless it is retried. */
  status: "uploading" | "waiting" | "sending" | "failed";
  /** 0 to 1 while uploading. */
  progress: number;
  error: { code: string; message: string } | null;
}

/** The part of an open chat's history that is in memory: without a hole, ascending by `seq`. */
export interface History {
  messages: readonly MessageView[];
  outgoing: readonly Outgoing[];
  /** There are older (newer) messages than these; `loadOlder` (`loadNewer`) brings them. */
  hasOlder: boolean;
  hasNewer: boolean;
  loading: boolean;
  /** Where the unread line is: the first `seq` that was unread when the chat was opened. */
  firstUnread: number | null;
}

export interface Chat extends ChatView {
  /** Own messages that wait or have failed. */
  outgoing: number;
  /** The newest message, deleted ones included, or the newest outgoing one's draft, for the list. */
  preview: MessageView | Outgoing | null;
  /** Of other members: how far the slowest has received and read. In large chats as counted by the server. For ticks. */
  deliveredByAll: number;
  readByAll: number;
}

export interface RealtimeState {
  connection: ConnectionState;
  /** Whether the local store has been read: before that there is nothing to show, not even an empty list. */
  opened: boolean;
  /** `memory`: this device keeps nothing (a private window, a full disk): what is written while offline is lost with the tab. */
  storage: "kept" | "memory";
  /** Of several tabs, this one has the connection: what only one of them must do is done here (notifications). */
  leading: boolean;
  me: OwnUser | null;
  chats: ReadonlyMap<ChatId, Chat>;
  /** As the list shows them: pinned first, then newest activity. */
  chatOrder: readonly ChatId[];
  people: ReadonlyMap<UserId, Person>;
  /** Of chats that are open now. */
  histories: ReadonlyMap<ChatId, History>;
  /** Who is typing, in chats that are open or have been heard of. */
  typing: ReadonlyMap<ChatId, readonly UserId[]>;
  /** Who has an open chat on the screen now. */
  present: ReadonlyMap<ChatId, readonly UserId[]>;
  /** `${chatId}/${seq}` to the last position of a live location. */
  positions: ReadonlyMap<string, LivePosition>;
  /** Counted receipts of the newest message of large chats. */
  receipts: ReadonlyMap<ChatId, FeedEvents["MESSAGE_RECEIPTS"]>;
}

/** What happened, for whoever reacts to it beyond the state: notifications, queries to be asked again. */
export type DomainEvent = {
  [Name in keyof FeedEvents]: {
    name: Name;
    payload: FeedEvents[Name] /** Brought by catching up, not as it happened. */;
    missed: boolean;
  };
}[keyof FeedEvents];

/** Refused by the server or not answered. `code` as REST has it; `offline` and `timeout` are this side's own. */
export class RealtimeError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly retryAfterMs: number | null = null,
  ) {
    super(message);
    this.name = "RealtimeError";
  }
}

export interface RealtimeClient {
  readonly state: StoreApi<RealtimeState>;
  /** Reads what is kept locally, then connects and stays connected. */
  start(): Promise<void>;
  /** Disconnects; what is kept locally stays. */
  stop(): Promise<void>;
  /** After signing out: disconnects and removes everything that is kept locally. */
  forget(): Promise<void>;
  /** The next try to connect begins now, if one is waited for. */
  connectNow(): void;

  /** Puts a chat on the screen: its history is in `state.histories`, its topic is joined. Returns what takes it off again. */
  openChat(chatId: ChatId): () => void;
  loadOlder(chatId: ChatId): Promise<void>;
  loadNewer(chatId: ChatId): Promise<void>;
  /** Makes the history one around `seq`, for a jump to a message that is answered or found. */
  loadAround(chatId: ChatId, seq: number): Promise<void>;
  /** Makes the history the newest one. */
  loadNewest(chatId: ChatId): Promise<void>;
  /** The message from memory, the local store or the server; `null` if there is none. */
  message(chatId: ChatId, seq: number): Promise<MessageView | null>;

  /** Puts a message into the outbox, durably; resolves with its `client_id` then. It is sent once, in order, whenever there is a connection. */
  send(chatId: ChatId, draft: Draft): Promise<string>;
  retry(clientId: string): Promise<void>;
  discard(clientId: string): Promise<void>;
  /** @throws RealtimeError */
  edit(chatId: ChatId, seq: number, content: Record<string, unknown>): Promise<void>;
  /** @throws RealtimeError */
  remove(chatId: ChatId, seq: number): Promise<void>;
  /** Everything up to `seq` has been seen. Remembered while offline. */
  markRead(chatId: ChatId, seq: number): void;
  /** Call it with every keystroke; it tells the others as seldom as can be, and that it ended. */
  typing(chatId: ChatId, active: boolean): void;
  /** @throws RealtimeError */
  updateLocation(
    chatId: ChatId,
    seq: number,
    position: { lat: number; lng: number; accuracy?: number },
  ): Promise<void>;
  /** @throws RealtimeError */
  stopLocation(chatId: ChatId, seq: number): Promise<void>;

  /** Takes in what a REST call answered (a new chat, a patched one) before its event comes. */
  adopt(chat: ChatView): void;
  /**
   * Has these people's profiles in `state.people`, asking the server for those that are not known or old; many at a time, coalesced.
   * `anew`: for the one that somebody looks at now. Nobody tells when a profile is changed, so what is known is shown, and asked again.
   */
  wantPeople(ids: readonly UserId[], anew?: boolean): void;

  /** What is being written, kept over reloads and a lost session. `""` removes it. */
  draftText(chatId: ChatId): string;
  keepDraftText(chatId: ChatId, text: string): void;

  subscribe(listener: (event: DomainEvent) => void): () => void;
}
