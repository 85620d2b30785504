/** What the tab that has the connection tells all tabs, and what each makes of it: the part of the state that they share. Pure. */
import type { FeedEvents, LivePosition, MessageView, OwnUser } from "@/types/socket";
import type { ChatRecord } from "./chats/record";
import type { ChatId, ConnectionState, DomainEvent, Outgoing, Person, UserId } from "./realtime";

export interface Shared {
  readonly connection: ConnectionState;
  readonly storage: "kept" | "memory";
  readonly me: OwnUser | null;
  readonly chats: ReadonlyMap<ChatId, ChatRecord>;
  readonly outgoing: ReadonlyMap<string, Outgoing>;
  readonly people: ReadonlyMap<UserId, Person>;
  readonly typing: ReadonlyMap<ChatId, readonly UserId[]>;
  readonly present: ReadonlyMap<ChatId, readonly UserId[]>;
  readonly positions: ReadonlyMap<string, LivePosition>;
  readonly receipts: ReadonlyMap<ChatId, FeedEvents["MESSAGE_RECEIPTS"]>;
}

export type Change =
  | { kind: "connection"; connection: ConnectionState }
  | { kind: "storage"; storage: Shared["storage"] }
  | { kind: "me"; me: OwnUser }
  | { kind: "chats"; chats: readonly ChatRecord[] }
  | { kind: "removed"; chatId: ChatId }
  /** Messages in a state that is new here. */
  | { kind: "messages"; chatId: ChatId; messages: readonly MessageView[] }
  /** So much was missed that what is here of the chat's messages is not brought up to date, but read anew. */
  | { kind: "reset"; chatId: ChatId }
  | { kind: "outgoing"; outgoing: readonly Outgoing[] }
  | { kind: "sent"; chatId: ChatId; clientId: string }
  | { kind: "people"; people: readonly Person[] }
  /** An empty list is nobody. */
  | { kind: "typing"; chatId: ChatId; userIds: readonly UserId[] }
  | { kind: "present"; chatId: ChatId; userIds: readonly UserId[] }
  | { kind: "position"; position: LivePosition }
  | { kind: "positions-gone"; chatId: ChatId }
  | { kind: "receipts"; receipts: FeedEvents["MESSAGE_RECEIPTS"] }
  | { kind: "draft"; chatId: ChatId; text: string }
  | { kind: "event"; event: DomainEvent };

export const NOTHING: Shared = {
  connection: { status: "connecting", retryAt: null },
  storage: "kept",
  me: null,
  chats: new Map(),
  outgoing: new Map(),
  people: new Map(),
  typing: new Map(),
  present: new Map(),
  positions: new Map(),
  receipts: new Map(),
};

/** The state after a change. What a change does not concern stays the same object. */
export function changed(state: Shared, change: Change): Shared {
  switch (change.kind) {
    case "connection":
      return { ...state, connection: change.connection };
    case "storage":
      return { ...state, storage: change.storage };
    case "me":
      return { ...state, me: change.me };
    case "chats":
      return { ...state, chats: withAll(state.chats, change.chats, (chat) => chat.id) };
    case "removed":
      return removed(state, change.chatId);
    case "outgoing":
      return { ...state, outgoing: withAll(state.outgoing, change.outgoing, (each) => each.clientId) };
    case "sent":
      return { ...state, outgoing: without(state.outgoing, [change.clientId]) };
    case "people":
      return { ...state, people: withAll(state.people, change.people, (person) => person.id) };
    case "typing":
      return { ...state, typing: withList(state.typing, change.chatId, change.userIds) };
    case "present":
      return { ...state, present: withList(state.present, change.chatId, change.userIds) };
    case "position":
      return {
        ...state,
        positions: new Map(state.positions).set(
          `${change.position.chat_id}/${change.position.seq}`,
          change.position,
        ),
      };
    case "positions-gone":
      return { ...state, positions: withoutPositions(state.positions, change.chatId) };
    case "receipts":
      return {
        ...state,
        receipts: new Map(state.receipts).set(change.receipts.chat_id, change.receipts),
      };
    case "messages":
    case "reset":
    case "draft":
    case "event":
      return state;
  }
}

function removed(state: Shared, chatId: ChatId): Shared {
  const lost = [...state.outgoing.values()].filter((each) => each.chatId === chatId);
  return {
    ...state,
    chats: without(state.chats, [chatId]),
    outgoing: without(
      state.outgoing,
      lost.map((each) => each.clientId),
    ),
    typing: without(state.typing, [chatId]),
    present: without(state.present, [chatId]),
    positions: withoutPositions(state.positions, chatId),
    receipts: without(state.receipts, [chatId]),
  };
}

function withAll<K, V>(
  map: ReadonlyMap<K, V>,
  values: readonly V[],
  key: (value: V) => K,
): ReadonlyMap<K, V> {
  if (values.length === 0) return map;
  const next = new Map(map);
  for (const value of values) next.set(key(value), value);
  return next;
}

function without<K, V>(map: ReadonlyMap<K, V>, keys: readonly K[]): ReadonlyMap<K, V> {
  if (!keys.some((key) => map.has(key))) return map;
  const next = new Map(map);
  for (const key of keys) next.delete(key);
  return next;
}

function withList<K, V>(map: ReadonlyMap<K, readonly V[]>, key: K, list: readonly V[]) {
  return list.length === 0 ? without(map, [key]) : new Map(map).set(key, list);
}

function withoutPositions(positions: Shared["positions"], chatId: ChatId) {
  return without(
    positions,
    [...positions.keys()].filter((key) => key.startsWith(`${chatId}/`)),
  );
}
