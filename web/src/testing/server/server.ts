/**
 * A chat server in memory, as far as clients see it: topics, join answers, events, pages; and what goes wrong with real ones, at the test's word.
 * Time is the timers' (`vi.useFakeTimers`): nothing happens before they move.
 */
import { RealtimeError } from "@/realtime/realtime";
import type { MessagesPage, Rest } from "@/realtime/rest";
import type { Transport } from "@/realtime/transport/transport";
import type {
  JoinAnswer,
  JoinBody,
  MessageView,
  OwnUser,
  Role,
  SendAnswer,
  SendBody,
  UserView,
} from "@/types/socket";
import { type NewMessage, SimulatedChat } from "./chat";
import { SimulatedConnection } from "./connection";

const PER_CHAT = 100;

/** What becomes of a message that is sent: refused with a code, queued until `deliverQueued`, or taken and not answered, the line being cut. */
export type SendFault = "queued" | "cut" | { code: string; retryAfterMs?: number };

export class SimulatedServer {
  readonly chats = new Map<string, SimulatedChat>();
  readonly users = new Map<string, OwnUser>();
  readonly connections = new Set<SimulatedConnection>();
  /** Every push, in the order of arrival: `[userId, event, payload]`. */
  readonly pushes: [string, string, Record<string, unknown>][] = [];
  readonly joins: JoinBody[] = [];
  reachable = true;
  latency: () => number = () => 1;
  /** Tokens that are taken; everything else is refused. */
  tokens: (token: string) => string | null = (token) => (this.users.has(token) ? token : null);
  sendFault: (body: SendBody) => SendFault | null = () => null;
  /** Whether each event is told twice. */
  repeats: () => boolean = () => false;
  restFault: () => string | null = () => null;
  tries = 0;
  private readonly queued: { userId: string; body: SendBody }[] = [];
  private readonly openers = new Map<string, Map<string, number>>();

  addUser(id: string, name = id): void {
    this.users.set(id, {
      id,
      name,
      phone: "+12025550100",
      status: "",
      avatar_media_id: null,
      created_at: new Date().toISOString(),
      privacy: { last_seen: "everyone", read_receipts: true },
    });
  }

  addChat(id: string, type: "direct" | "group" | "channel", memberIds: readonly string[]): SimulatedChat {
    const chat = new SimulatedChat(id, type, type === "direct" ? "" : id, memberIds[0] ?? "");
    for (const userId of memberIds)
      chat.join(userId, type !== "direct" && userId === memberIds[0] ? "owner" : "member");
    this.chats.set(id, chat);
    for (const userId of memberIds) this.tellUser(userId, "CHAT_CREATED", { chat: chat.view(userId) });
    return chat;
  }

  chat(id: string): SimulatedChat {
    const chat = this.chats.get(id);
    if (chat === undefined) throw new RealtimeError("not_found", "chat not found");
    return chat;
  }

  // -- what others do ----------------------------------------------------------------------------------------------

  say(userId: string, chatId: string, text: string, clientId = `${userId}-${Math.random()}`): MessageView {
    return this.append(userId, this.chat(chatId), { client_id: clientId, type: "text", content: { text } });
  }

  append(userId: string, chat: SimulatedChat, message: NewMessage): MessageView {
    const view = chat.append(userId, message);
    this.tellChat(chat, "MESSAGE_SENT", { message: view });
    return view;
  }

  edit(chatId: string, seq: number, text: string): MessageView {
    const chat = this.chat(chatId);
    const view = chat.replace(seq, { content: { text }, edited_at: new Date().toISOString() });
    this.tellChat(chat, "MESSAGE_EDITED", { message: view });
    return view;
  }

  delete(chatId: string, seq: number): MessageView {
    const chat = this.chat(chatId);
    const view = chat.replace(seq, { content: {}, deleted: true });
    this.tellChat(chat, "MESSAGE_DELETED", { message: view });
    return view;
  }

  mark(userId: string, chatId: string, mark: { delivered?: number; read?: number }): void {
    const chat = this.chat(chatId);
    const member = chat.members.get(userId);
    if (member === undefined) throw new RealtimeError("not_found", "chat not found");
    const delivered = Math.max(mark.delivered ?? 0, mark.read ?? 0);
    if (delivered > chat.messages.length) throw new RealtimeError("not_found", "message not found");
    if (delivered <= member.delivered && (mark.read ?? 0) <= member.read) return;
    member.delivered = Math.max(member.delivered, delivered);
    member.read = Math.max(member.read, mark.read ?? 0);
    member.updatedAt = Date.now();
    const read = mark.read !== undefined;
    const seq = read ? member.read : member.delivered;
    this.tellChat(chat, read ? "MESSAGE_READ" : "MESSAGE_DELIVERED", {
      chat_id: chatId,
      user_id: userId,
      seq,
    });
  }

  setMember(chatId: string, userId: string, role: Role | null, by: string): void {
    const chat = this.chat(chatId);
    const isNew = !chat.members.has(userId);
    const rev = chat.change();
    if (role !== null && isNew) chat.join(userId, role);
    const payload = { chat_id: chatId, rev, user_id: userId, role, by };
    this.tellChat(chat, "MEMBER_CHANGED", payload);
    if (role === null) chat.members.delete(userId);
    else (chat.members.get(userId) as { role: Role }).role = role;
    if (isNew && role !== null) this.tellUser(userId, "CHAT_CREATED", { chat: chat.view(userId) });
  }

  typing(userId: string, chatId: string, state: "start" | "stop"): void {
    this.tellOpen(chatId, "TYPING", { user_id: userId, state });
  }

  // -- what goes wrong ---------------------------------------------------------------------------------------------

  cut(userId?: string, why: "lost" | "refused" = "lost"): void {
    for (const connection of [...this.connections])
      if (userId === undefined || connection.userId === userId) connection.cut(why);
  }

  drain(reconnectAfterMs: number): void {
    for (const connection of this.connections)
      connection.tell("me", "SERVER_DRAINING", { reconnect_after_ms: reconnectAfterMs });
  }

  /** What was queued is in the record now, or never will be. */
  deliverQueued(failure?: { code: string; reason: string }): void {
    for (const { userId, body } of this.queued.splice(0)) {
      const chat = this.chat(body.chat_id);
      if (failure !== undefined)
        this.tellUser(userId, "MESSAGE_FAILED", { chat_id: chat.id, client_id: body.client_id, ...failure });
      else if (chat.find(userId, body.client_id) === undefined) this.append(userId, chat, body);
    }
  }

  // -- transport ---------------------------------------------------------------------------------------------------

  transport(): Transport {
    return {
      connect: (token, listener) => {
        let given = false;
        let connection: SimulatedConnection | null = null;
        this.tries += 1;
        setTimeout(() => {
          if (given) return;
          const userId = this.tokens(token);
          if (!this.reachable) return listener.closed("failed");
          if (userId === null) return listener.closed("refused");
          connection = new SimulatedConnection(userId, this.served, listener, (gone) => {
            this.connections.delete(gone);
            for (const topic of gone.topics.keys()) this.left(gone, topic);
          });
          this.connections.add(connection);
          listener.opened(connection);
        }, this.latency());
        return () => {
          given = true;
          connection?.close();
        };
      },
    };
  }

  private readonly served = {
    latencyMs: () => this.latency(),
    push: (connection: SimulatedConnection, topic: string, event: string, payload: object) =>
      this.push(connection, topic, event, payload as Record<string, unknown>),
    join: (connection: SimulatedConnection, topic: string, payload: object) =>
      topic === "me" ? this.joinMe(connection.userId, payload as JoinBody) : this.joinChat(connection, topic),
    left: (connection: SimulatedConnection, topic: string) => this.left(connection, topic),
  };

  private joinMe(userId: string, body: JoinBody): JoinAnswer {
    this.joins.push(body);
    const known = body.known ?? {};
    const limit = body.limit ?? PER_CHAT;
    const since = body.since === undefined ? 0 : Date.parse(body.since);
    const answer: JoinAnswer = {
      user: this.users.get(userId) as OwnUser,
      chats: [],
      messages: [],
      more: [],
      removed: [],
      online: this.onlineContacts(userId),
      server_time: new Date().toISOString(),
    };
    const own = [...this.chats.values()].filter((chat) => chat.members.has(userId));
    for (const chat of own) {
      const behind = chat.rev > (known[chat.id] ?? 0);
      if (behind || known[chat.id] === undefined || this.touched(chat) >= since)
        answer.chats.push(chat.view(userId));
      if (!behind) continue;
      const page = chat.changes(known[chat.id] ?? 0, limit);
      answer.messages.push(...page.items);
      if (page.more) answer.more.push(chat.id);
    }
    const ownIds = new Set(own.map((chat) => chat.id));
    answer.removed = Object.keys(known).filter((id) => !ownIds.has(id));
    return answer;
  }

  private touched(chat: SimulatedChat): number {
    return Math.max(...[...chat.members.values()].map((member) => member.updatedAt)) + 10_000;
  }

  private onlineContacts(userId: string): string[] {
    return [...new Set([...this.connections].map((each) => each.userId))].filter((id) => id !== userId);
  }

  private joinChat(connection: SimulatedConnection, topic: string): object {
    const chatId = topic.slice("chat:".length);
    const chat = this.chat(chatId);
    if (!chat.members.has(connection.userId)) throw new RealtimeError("not_found", "chat not found");
    const present = this.openers.get(chatId) ?? new Map<string, number>();
    this.openers.set(chatId, present);
    const { userId } = connection;
    present.set(userId, (present.get(userId) ?? 0) + 1);
    this.tellOpen(chatId, "presence_diff", { joins: { [userId]: meta(userId) }, leaves: {} });
    const state = Object.fromEntries([...present.keys()].map((id) => [id, meta(id)]));
    connection.joined = () => connection.tell(topic, "presence_state", state);
    return {};
  }

  private left(connection: SimulatedConnection, topic: string): void {
    const chatId = topic.slice("chat:".length);
    const present = this.openers.get(chatId);
    const count = present?.get(connection.userId);
    if (present === undefined || count === undefined) return;
    if (count > 1) present.set(connection.userId, count - 1);
    else {
      present.delete(connection.userId);
      const { userId } = connection;
      this.tellOpen(chatId, "presence_diff", { joins: {}, leaves: { [userId]: meta(userId) } });
    }
  }

  private push(
    connection: SimulatedConnection,
    topic: string,
    event: string,
    payload: Record<string, unknown>,
  ): unknown {
    const { userId } = connection;
    this.pushes.push([userId, event, payload]);
    const chatId = topic === "me" ? (payload.chat_id as string) : topic.slice("chat:".length);
    const chat = this.chat(chatId);
    if (!chat.members.has(userId)) throw new RealtimeError("not_found", "chat not found");
    const seq = payload.seq as number;
    switch (event) {
      case "message:send":
        return this.send(connection, chat, payload as unknown as SendBody);
      case "message:edit": {
        if (chat.messages[seq - 1]?.sender_id !== userId) throw new RealtimeError("forbidden", "not yours");
        return { message: this.edit(chatId, seq, (payload.content as { text: string }).text) };
      }
      case "message:delete":
        return { message: this.delete(chatId, seq) };
      case "message:delivered":
        this.mark(userId, chatId, { delivered: seq });
        return {};
      case "message:read":
        this.mark(userId, chatId, { read: seq });
        return {};
      case "typing":
        this.tellOpen(chatId, "TYPING", { user_id: userId, state: payload.state });
        return {};
      case "location:update":
        this.tellOpen(chatId, "LOCATION_UPDATED", {
          chat_id: chatId,
          user_id: userId,
          accuracy: null,
          at: new Date().toISOString(),
          ...payload,
        });
        return {};
      case "location:stop":
        return { message: this.edit(chatId, seq, "ended") };
      default:
        throw new RealtimeError("unknown_event", "unknown event");
    }
  }

  private send(connection: SimulatedConnection, chat: SimulatedChat, body: SendBody): SendAnswer | undefined {
    const { userId } = connection;
    const there = chat.find(userId, body.client_id);
    if (there !== undefined) return { message: there };
    const fault = this.sendFault(body);
    if (fault === "queued") {
      if (!this.queued.some((each) => each.body.client_id === body.client_id))
        this.queued.push({ userId, body });
      return { queued: true };
    }
    if (fault === "cut") {
      // Taken, and the answer is lost.
      connection.cut();
      this.append(userId, chat, body);
      return undefined;
    }
    if (fault !== null) throw new RealtimeError(fault.code, fault.code, fault.retryAfterMs ?? null);
    return { message: this.append(userId, chat, body) };
  }

  private tellChat(chat: SimulatedChat, event: string, payload: object): void {
    for (const userId of chat.members.keys()) this.tellUser(userId, event, payload);
  }

  private tellOpen(chatId: string, event: string, payload: object): void {
    for (const connection of this.connections) connection.tell(`chat:${chatId}`, event, payload);
  }

  tellUser(userId: string, event: string, payload: object): void {
    for (const connection of this.connections) {
      if (connection.userId !== userId) continue;
      connection.tell("me", event, payload);
      if (this.repeats()) connection.tell("me", event, payload);
    }
  }

  // -- REST --------------------------------------------------------------------------------------------------------

  rest(userId: string): Rest {
    const asked = <T>(answer: () => T): Promise<T> =>
      new Promise((resolve, reject) => {
        setTimeout(() => {
          try {
            const fault = this.reachable ? this.restFault() : "offline";
            if (fault !== null) throw new RealtimeError(fault, fault);
            const copy = structuredClone(answer());
            setTimeout(() => resolve(copy), this.latency());
          } catch (error) {
            reject(error);
          }
        }, this.latency());
      });
    return {
      page: (chatId, query) =>
        asked((): MessagesPage => {
          const chat = this.chat(chatId);
          if (!chat.members.has(userId)) throw new RealtimeError("not_found", "chat not found");
          if ("after_rev" in query) {
            const { items, rev, more } = chat.changes(query.after_rev, query.limit);
            return { items, rev, next: more ? "more" : null };
          }
          if ("after_seq" in query)
            return { items: chat.messages.slice(query.after_seq, query.after_seq + query.limit) };
          const end = query.before_seq === undefined ? chat.messages.length : query.before_seq - 1;
          return { items: chat.messages.slice(Math.max(0, end - query.limit), end) };
        }),
      chat: (chatId) => asked(() => this.chat(chatId).view(userId)),
      members: (chatId) =>
        asked(() =>
          [...this.chat(chatId).members].map(([id, { delivered, read }]) => ({
            user_id: id,
            delivered_seq: delivered,
            read_seq: read,
          })),
        ),
      people: (ids) =>
        asked((): UserView[] =>
          ids.flatMap((id) => {
            const user = this.users.get(id);
            if (user === undefined) return [];
            const { name, status, avatar_media_id } = user;
            return [{ id, name, status, avatar_media_id, online: false, last_seen: null, deleted: false }];
          }),
        ),
    };
  }
}

const meta = (userId: string) => ({ metas: [{ phx_ref: userId, device_id: userId, online_at: 0 }] });
