/**
 * A `RealtimeClient` without a server, for tests of components: its state is what the test says, what is asked of it is written down in `calls`,
 * and what can be done without a server is done (a message sent is in the outbox, a draft is kept).
 */
import { createStore } from "zustand/vanilla";
import type {
  Chat,
  ChatId,
  DomainEvent,
  Draft,
  History,
  Outgoing,
  Person,
  RealtimeClient,
  RealtimeState,
} from "@/realtime/realtime";
import type { ChatView, MessageView, OwnUser } from "@/types/socket";

export type Call = { [Name in Methods]: [Name, ...Parameters<RealtimeClient[Name]>] }[Methods];
type Methods = Exclude<keyof RealtimeClient, "state">;

export interface FakeRealtime extends RealtimeClient {
  /** What was asked, in order: `["markRead", "c1", 5]`. */
  readonly calls: Call[];
  /** Has the client tell its subscribers. */
  emit(event: DomainEvent): void;
  /** Changes the state of one chat's history. */
  setHistory(chatId: ChatId, changed: Partial<History>): void;
  /** Changes the state of one chat. */
  setChat(chatId: ChatId, changed: Partial<Chat>): void;
  /** The next call of this method is refused with the error. */
  refuse(method: "edit" | "remove" | "updateLocation" | "stopLocation", error: Error): void;
}

export const EMPTY_HISTORY: History = {
  messages: [],
  outgoing: [],
  hasOlder: false,
  hasNewer: false,
  loading: false,
  firstUnread: null,
};

const BEGAN = "2026-01-01T12:00:00.000Z";

export function aUser(changed: Partial<OwnUser> = {}): OwnUser {
  return {
    id: "u1",
    name: "Ann",
    phone: "+12025550101",
    status: "",
    avatar_media_id: null,
    created_at: BEGAN,
    privacy: { last_seen: "everyone", read_receipts: true },
    ...changed,
  };
}

export function aPerson(changed: Partial<Person> = {}): Person {
  return {
    id: "u2",
    name: "Ben",
    status: "",
    avatarMediaId: null,
    online: false,
    lastSeen: null,
    deleted: false,
    ...changed,
  };
}

export function aMessage(changed: Partial<MessageView> = {}): MessageView {
  const seq = changed.seq ?? 1;
  return {
    id: `m${seq}`,
    chat_id: "c1",
    seq,
    rev: seq,
    sender_id: "u2",
    client_id: `client-${seq}`,
    type: "text",
    content: { text: `message ${seq}` },
    media_id: null,
    reply_to: null,
    created_at: new Date(Date.parse(BEGAN) + seq * 1_000).toISOString(),
    edited_at: null,
    deleted: false,
    ...changed,
  };
}

export function aChatView(changed: Partial<ChatView> = {}): ChatView {
  return {
    id: "c1",
    type: "direct",
    title: "",
    peer_id: changed.type === undefined || changed.type === "direct" ? "u2" : null,
    created_by: "u1",
    created_at: BEGAN,
    member_count: 2,
    last_seq: 0,
    rev: 0,
    last_message: null,
    unread: 0,
    pinned: false,
    muted: false,
    muted_until: null,
    my_role: "member",
    delivered_seq: 0,
    read_seq: 0,
    cursors: [],
    ...changed,
  };
}

export function aChat(changed: Partial<Chat> = {}): Chat {
  return {
    ...aChatView(changed),
    outgoing: 0,
    preview: changed.last_message ?? null,
    deliveredByAll: 0,
    readByAll: 0,
    ...changed,
  };
}

/** Somebody signed in, online, without chats, but for what `changed` says. Without a `chatOrder` it is that of `chats`. */
export function fakeRealtime(changed: Partial<RealtimeState> = {}): FakeRealtime {
  const state = createStore<RealtimeState>(() => ({
    connection: { status: "online" },
    opened: true,
    storage: "kept",
    leading: true,
    me: aUser(),
    chats: new Map(),
    chatOrder: [...(changed.chats?.keys() ?? [])],
    people: new Map(),
    histories: new Map(),
    typing: new Map(),
    present: new Map(),
    positions: new Map(),
    receipts: new Map(),
    ...changed,
  }));
  const calls: Call[] = [];
  const listeners = new Set<(event: DomainEvent) => void>();
  const drafts = new Map<ChatId, string>();
  const refused = new Map<string, Error>();
  let sent = 0;

  const history = (chatId: ChatId) => state.getState().histories.get(chatId) ?? EMPTY_HISTORY;
  const setHistory = (chatId: ChatId, part: Partial<History>) =>
    state.setState(({ histories }) => ({
      histories: new Map(histories).set(chatId, { ...history(chatId), ...part }),
    }));
  const setChat = (chatId: ChatId, part: Partial<Chat>) =>
    state.setState(({ chats }) => ({
      chats: new Map(chats).set(chatId, { ...(chats.get(chatId) ?? aChat({ id: chatId })), ...part }),
    }));
  const setOutgoing = (clientId: string, change: (there: Outgoing) => Outgoing | null) => {
    for (const [chatId, { outgoing }] of state.getState().histories) {
      if (outgoing.some((each) => each.clientId === clientId))
        setHistory(chatId, {
          outgoing: outgoing.flatMap((each) => (each.clientId === clientId ? (change(each) ?? []) : each)),
        });
    }
  };
  const answer = async (method: string) => {
    const error = refused.get(method);
    refused.delete(method);
    if (error !== undefined) throw error;
  };
  const noted = async (...call: Call) => {
    calls.push(call);
  };

  return {
    state,
    calls,
    emit: (event) => {
      for (const listener of listeners) listener(event);
    },
    setHistory,
    setChat,
    refuse: (method, error) => refused.set(method, error),

    start: () => noted("start"),
    stop: () => noted("stop"),
    forget: () => noted("forget"),
    openChat(chatId) {
      calls.push(["openChat", chatId]);
      if (!state.getState().histories.has(chatId)) setHistory(chatId, {});
      return () => undefined;
    },
    loadOlder: (chatId) => noted("loadOlder", chatId),
    loadNewer: (chatId) => noted("loadNewer", chatId),
    loadAround: (chatId, seq) => noted("loadAround", chatId, seq),
    loadNewest: (chatId) => noted("loadNewest", chatId),
    async message(chatId, seq) {
      calls.push(["message", chatId, seq]);
      return history(chatId).messages.find((message) => message.seq === seq) ?? null;
    },
    async send(chatId: ChatId, draft: Draft) {
      calls.push(["send", chatId, draft]);
      sent += 1;
      const outgoing: Outgoing = {
        clientId: `sent-${sent}`,
        chatId,
        draft,
        createdAt: new Date(Date.parse(BEGAN) + 86_400_000 + sent).toISOString(),
        status: "waiting",
        progress: 0,
        error: null,
      };
      setHistory(chatId, { outgoing: [...history(chatId).outgoing, outgoing] });
      return outgoing.clientId;
    },
    async retry(clientId) {
      calls.push(["retry", clientId]);
      setOutgoing(clientId, (there) => ({ ...there, status: "waiting", error: null }));
    },
    async discard(clientId) {
      calls.push(["discard", clientId]);
      setOutgoing(clientId, () => null);
    },
    async edit(chatId, seq, content) {
      calls.push(["edit", chatId, seq, content]);
      await answer("edit");
    },
    async remove(chatId, seq) {
      calls.push(["remove", chatId, seq]);
      await answer("remove");
    },
    markRead: (chatId, seq) => void calls.push(["markRead", chatId, seq]),
    typing: (chatId, active) => void calls.push(["typing", chatId, active]),
    async updateLocation(chatId, seq, position) {
      calls.push(["updateLocation", chatId, seq, position]);
      await answer("updateLocation");
    },
    async stopLocation(chatId, seq) {
      calls.push(["stopLocation", chatId, seq]);
      await answer("stopLocation");
    },
    adopt(chat) {
      calls.push(["adopt", chat]);
      setChat(chat.id, aChat(chat));
    },
    connectNow: () => void calls.push(["connectNow"]),
    wantPeople: (ids) => void calls.push(["wantPeople", ids]),
    draftText: (chatId) => drafts.get(chatId) ?? "",
    keepDraftText(chatId, text) {
      calls.push(["keepDraftText", chatId, text]);
      drafts.set(chatId, text);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
