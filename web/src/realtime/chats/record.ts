/** What is kept of a chat, and what events make of it. Pure. */
import type { ChatView, MessageView } from "@/types/socket";
import type { ChatId, UserId } from "../realtime";

export interface Cursor {
  delivered: number;
  read: number;
}

export interface ChatRecord {
  readonly id: ChatId;
  /** As the server shows it, kept up by events. `unread` is less what has been read here and is not acknowledged yet. */
  readonly view: ChatView;
  /** Everything of the log up to this `rev` has been taken in: what a join tells as `known`. */
  readonly synced: number;
  /** Of the other members, as far as is known. */
  readonly cursors: Readonly<Record<UserId, Cursor>>;
  /** `cursors` are those of all others. In a direct chat they always are. */
  readonly cursorsComplete: boolean;
  /** Counted by the server, for chats that are too large for cursors: up to here all have received, and read. */
  readonly counted: Cursor;
  /** Read here, and not acknowledged by the server; 0 for nothing. */
  readonly readMark: number;
}

/** A record that has taken in nothing yet. */
export function recordOf(view: ChatView): ChatRecord {
  return {
    id: view.id,
    view,
    synced: 0,
    cursors: {},
    cursorsComplete: view.type === "direct",
    counted: { delivered: 0, read: 0 },
    readMark: 0,
  };
}

/** The record with the chat as an answer shows it. Cursors never go back. */
export function listed(there: ChatRecord | undefined, view: ChatView, ownId: UserId): ChatRecord {
  let record: ChatRecord = there === undefined ? recordOf(view) : { ...there, view };
  const delivered_seq = Math.max(view.delivered_seq, there?.view.delivered_seq ?? 0);
  record = { ...record, view: { ...view, delivered_seq } };
  // An answer may be older than an event that has come before it, from a node that was further.
  if (there !== undefined && there.view.rev > view.rev) {
    const { last_seq, last_message, rev, unread } = there.view;
    record = { ...record, view: { ...record.view, last_seq, last_message, rev, unread } };
  }
  for (const cursor of view.cursors)
    if (cursor.user_id !== ownId)
      record = withCursor(record, cursor.user_id, cursor.delivered_seq, cursor.read_seq);
  const read = Math.max(record.readMark, there?.view.read_seq ?? 0);
  return read > view.read_seq ? withOwnRead(record, read) : record;
}

export function withSynced(record: ChatRecord, rev: number): ChatRecord {
  return rev > record.synced ? { ...record, synced: rev } : record;
}

/** A message in some state that is new here. `unread` counts it only when it comes as the chat's next one. */
export function withMessage(record: ChatRecord, message: MessageView, ownId: UserId): ChatRecord {
  const { view } = record;
  const isNext = message.seq > view.last_seq;
  const last = view.last_message;
  const isNewest =
    last == null || message.seq > last.seq || (message.seq === last.seq && message.rev >= last.rev);
  if (!isNext && !isNewest && message.rev <= view.rev) return record;
  const counts = isNext && message.sender_id !== ownId && !message.deleted && message.seq > view.read_seq;
  return {
    ...record,
    view: {
      ...view,
      last_seq: Math.max(view.last_seq, message.seq),
      rev: Math.max(view.rev, message.rev),
      last_message: isNewest ? message : last,
      unread: view.unread + (counts ? 1 : 0),
    },
  };
}

/** One that was unread has been deleted. */
export function withoutUnread(record: ChatRecord, message: MessageView, ownId: UserId): ChatRecord {
  const { view } = record;
  if (message.sender_id === ownId || message.seq <= view.read_seq || view.unread === 0) return record;
  return { ...record, view: { ...view, unread: view.unread - 1 } };
}

/** Another member has everything up to here. */
export function withCursor(record: ChatRecord, userId: UserId, delivered: number, read: number): ChatRecord {
  const there = record.cursors[userId] ?? { delivered: 0, read: 0 };
  const next = {
    delivered: Math.max(there.delivered, delivered, read),
    read: Math.max(there.read, read),
  };
  if (record.cursors[userId] !== undefined && next.delivered === there.delivered && next.read === there.read)
    return record;
  return { ...record, cursors: { ...record.cursors, [userId]: next } };
}

/** The user has read up to here, on this device or another. Unread ones behind it are at most as many as there are messages. */
export function withOwnRead(record: ChatRecord, seq: number): ChatRecord {
  const { view } = record;
  if (seq <= view.read_seq) return record;
  const unread = seq >= view.last_seq ? 0 : Math.min(view.unread, view.last_seq - seq);
  const delivered_seq = Math.max(view.delivered_seq, seq);
  return { ...record, view: { ...view, read_seq: seq, delivered_seq, unread } };
}

export function withOwnDelivered(record: ChatRecord, seq: number): ChatRecord {
  if (seq <= record.view.delivered_seq) return record;
  return { ...record, view: { ...record.view, delivered_seq: seq } };
}

/** Others may not be told apart (a large chat), or not be known yet: then what the server has counted. */
export function byAll(record: ChatRecord): Cursor {
  const others = Object.values(record.cursors);
  if (!record.cursorsComplete || others.length === 0) return record.counted;
  return {
    delivered: Math.min(...others.map((each) => each.delivered)),
    read: Math.min(...others.map((each) => each.read)),
  };
}

/** Unread among these messages: not one's own, not deleted. */
export function countUnread(messages: readonly MessageView[], ownId: UserId): number {
  return messages.filter((message) => message.sender_id !== ownId && !message.deleted).length;
}
