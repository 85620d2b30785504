/** The few questions that the realtime side asks over HTTP: a port. */
import type { ChatView, MessageView, UserView } from "@/types/socket";
import type { ChatId, UserId } from "./realtime";

export interface MessagesPage {
  items: readonly MessageView[];
  next?: string | null;
  /** Of a page by `after_rev`: how far it covers the chat's log. */
  rev?: number | null;
}

export interface MemberCursors {
  user_id: UserId;
  delivered_seq: number;
  read_seq: number;
}

export type PageQuery = { limit: number } & (
  | { before_seq?: number }
  | { after_seq: number }
  | { after_rev: number }
);

/** All of them throw `RealtimeError`: `offline` when there was no answer, else the server's code. */
export interface Rest {
  page(chatId: ChatId, query: PageQuery): Promise<MessagesPage>;
  chat(chatId: ChatId): Promise<ChatView>;
  /** The cursors of a chat's members, `limit` of them at most. */
  members(chatId: ChatId, limit: number): Promise<readonly MemberCursors[]>;
  /** `null` for somebody that there is not, or who must not be seen. */
  person(id: UserId): Promise<UserView | null>;
}
