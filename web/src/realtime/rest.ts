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
  /** Those of these people that there are and that may be seen; a hundred at most are asked for at a time. */
  people(ids: readonly UserId[]): Promise<readonly UserView[]>;
}
