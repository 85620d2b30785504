/**
 * Whether a page that is open says something about what has come in. Pure; `useNotices` does it.
 */
import type { Chat, DomainEvent, RealtimeState } from "@/realtime/realtime";
import type { MessageView } from "@/types/socket";

/**
 * The message to tell of, or `null`: one's own, one that was only caught up with, one that has been read elsewhere, what the server itself
 * writes, and all that comes in a muted chat are not told of.
 */
export function toTellOf(event: DomainEvent, state: RealtimeState, now: number): MessageView | null {
  if (event.name !== "MESSAGE_SENT" || event.missed) return null;
  const { message } = event.payload;
  const chat = state.chats.get(message.chat_id);
  if (chat === undefined || message.sender_id === state.me?.id) return null;
  if (message.type === "system" || message.deleted === true) return null;
  if (isMuted(chat, now) || chat.read_seq >= message.seq) return null;
  return message;
}

/** A mute that ends by itself is over at its time, whether or not the server has said so yet. */
export function isMuted(chat: Pick<Chat, "muted" | "muted_until">, now: number): boolean {
  if (!chat.muted) return false;
  return chat.muted_until === null || Date.parse(chat.muted_until) > now;
}

/** What the app's icon counts: unread messages of chats that are not muted. */
export function unreadCount(chats: Iterable<Chat>, now: number): number {
  let count = 0;
  for (const chat of chats) if (!isMuted(chat, now)) count += chat.unread;
  return count;
}
