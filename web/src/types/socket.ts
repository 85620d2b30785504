/**
 * The socket's side of the contract (`/asyncapi.json`): what is pushed, what it is answered, and the events.
 * The shapes that REST has too come from the generated OpenAPI types.
 */
import type { components } from "./openapi";

type Schemas = components["schemas"];

export type ChatView = Schemas["ChatView"];
export type MessageView = Schemas["MessageView"];
export type MessageType = Schemas["MessageType"];
export type OwnUser = Schemas["OwnUser"];
export type UserView = Schemas["UserView"];
export type Role = Schemas["Role"];
export type StoryView = Schemas["StoryView"];

/** RFC 3339, UTC, milliseconds. */
export type Timestamp = string;

export interface JoinBody {
  known?: Record<string, number>;
  since?: Timestamp;
  limit?: number;
}

export interface JoinAnswer {
  user: OwnUser;
  chats: ChatView[];
  messages: MessageView[];
  more: string[];
  removed: string[];
  online: string[];
  server_time: Timestamp;
}

export interface SendBody {
  chat_id: string;
  client_id: string;
  type: MessageType;
  content: Record<string, unknown>;
  media_id?: string;
  reply_to?: number;
  forwarded?: true;
}

/** `queued`, without `message`, is no acknowledgement yet: `MESSAGE_SENT` or `MESSAGE_FAILED` follows. */
export interface SendAnswer {
  message?: MessageView;
  queued?: boolean;
}

export interface Refusal {
  code: string;
  message: string;
  errors?: { field: string; message: string }[];
  retry_after_ms?: number | null;
}

export interface CursorMoved {
  chat_id: string;
  user_id: string;
  seq: number;
}

export interface LivePosition {
  chat_id: string;
  seq: number;
  user_id: string;
  lat: number;
  lng: number;
  accuracy: number | null;
  at: Timestamp;
}

/** Every event of the topic `me`, by name. */
export interface FeedEvents {
  MESSAGE_SENT: { message: MessageView };
  MESSAGE_FAILED: { chat_id: string; client_id: string; code: string; reason: string };
  MESSAGE_EDITED: { message: MessageView };
  MESSAGE_DELETED: { message: MessageView };
  MESSAGE_DELIVERED: CursorMoved;
  MESSAGE_READ: CursorMoved;
  MESSAGE_RECEIPTS: { chat_id: string; seq: number; delivered: number; read: number; of: number };
  CHAT_CREATED: { chat: ChatView };
  CHAT_UPDATED: {
    chat_id: string;
    rev?: number | null;
    title?: string | null;
    pinned?: boolean | null;
    muted?: boolean | null;
    muted_until?: Timestamp | null;
  };
  CHAT_DELETED: { chat_id: string; rev?: number | null };
  /** Without `role`, the user is no longer a member. */
  MEMBER_CHANGED: { chat_id: string; rev: number; user_id: string; role: Role | null; by: string };
  USER_UPDATED: { user: OwnUser };
  BLOCK_CHANGED: { user_id: string; blocked: boolean };
  USER_CONNECTED: { user_id: string };
  USER_DISCONNECTED: { user_id: string; last_seen: Timestamp | null };
  STORY_CREATED: { story: StoryView };
  STORY_VIEWED: { story_id: string; user_id: string; at: Timestamp };
  STORY_EXPIRED: { story_id: string; user_id: string };
  SERVER_DRAINING: { reconnect_after_ms: number };
}

/** Every event of a topic `chat:<id>`, by name. */
export interface ChatEvents {
  TYPING: { user_id: string; state: "start" | "stop" };
  LOCATION_UPDATED: LivePosition;
  presence_state: Record<string, { metas: { phx_ref: string; device_id: string; online_at: number }[] }>;
  presence_diff: {
    joins: Record<string, { metas: { phx_ref: string; device_id: string; online_at: number }[] }>;
    leaves: Record<string, { metas: { phx_ref: string; device_id: string; online_at: number }[] }>;
  };
}
