/** The state as the interface sees it, made from what tabs share. What has not changed is the same object. */
import type { Change, Shared } from "./changes";
import { byAll, type ChatRecord } from "./chats/record";
import type { Chat, ChatId, Outgoing, RealtimeState } from "./realtime";

type Shown = Pick<RealtimeState, "chats" | "chatOrder">;

/** The chats and their order after these changes; `null` where anything may be different. */
export function shownChats(before: Shown, changes: readonly Change[] | null, shared: Shared): Shown {
  const ids = changes === null ? null : affected(changes);
  if (ids !== null && ids.size === 0) return { chats: before.chats, chatOrder: before.chatOrder };
  const outgoing = new Map<ChatId, Outgoing[]>();
  for (const each of shared.outgoing.values())
    outgoing.set(each.chatId, [...(outgoing.get(each.chatId) ?? []), each]);
  const chats = ids === null ? new Map<ChatId, Chat>() : new Map(before.chats);
  let isOrdered = ids !== null;
  for (const id of ids ?? shared.chats.keys()) {
    const record = shared.chats.get(id);
    const there = before.chats.get(id);
    if (record === undefined) chats.delete(id);
    else chats.set(id, shownChat(record, outgoing.get(id) ?? []));
    isOrdered &&= isSamePlace(there, chats.get(id));
  }
  return { chats, chatOrder: isOrdered ? before.chatOrder : order(chats) };
}

function affected(changes: readonly Change[]): Set<ChatId> {
  const ids = new Set<ChatId>();
  for (const change of changes) {
    if (change.kind === "chats") for (const { id } of change.chats) ids.add(id);
    else if (change.kind === "outgoing") for (const { chatId } of change.outgoing) ids.add(chatId);
    else if (change.kind === "sent" || change.kind === "removed") ids.add(change.chatId);
  }
  return ids;
}

function shownChat(record: ChatRecord, outgoing: readonly Outgoing[]): Chat {
  const { delivered, read } = byAll(record);
  const cursors = record.view.cursors.map((cursor) => {
    const known = record.cursors[cursor.user_id];
    return known === undefined
      ? { ...cursor, delivered_seq: record.view.delivered_seq, read_seq: record.view.read_seq }
      : { ...cursor, delivered_seq: known.delivered, read_seq: known.read };
  });
  return {
    ...record.view,
    cursors,
    outgoing: outgoing.length,
    preview: outgoing.at(-1) ?? record.view.last_message,
    deliveredByAll: delivered,
    readByAll: read,
  };
}

function isSamePlace(a: Chat | undefined, b: Chat | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.pinned === b.pinned && activity(a) === activity(b);
}

/** Pinned ones first, then newest activity. */
function order(chats: ReadonlyMap<ChatId, Chat>): ChatId[] {
  const keyed = [...chats.values()].map((chat) => ({ chat, at: activity(chat) }));
  keyed.sort(
    (a, b) => Number(b.chat.pinned) - Number(a.chat.pinned) || (a.at < b.at ? 1 : a.at > b.at ? -1 : 0),
  );
  return keyed.map(({ chat }) => chat.id);
}

function activity(chat: Chat): string {
  const { preview } = chat;
  if (preview === null) return chat.created_at;
  return "createdAt" in preview ? preview.createdAt : preview.created_at;
}
