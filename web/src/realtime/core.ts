/**
 * What the one tab does that has the connection: puts the parts together, and hands each what it is to hear of. Everything that others may see goes
 * to the board; everything that must last goes to the store.
 */
import type { ChatView, JoinAnswer, MessageView } from "@/types/socket";
import { isRetryable } from "./backoff";
import type { Board } from "./board";
import { Memberships } from "./chats/memberships";
import { OpenChats } from "./chats/openChats";
import { Receipts } from "./chats/receipts";
import { listed, withSynced } from "./chats/record";
import { Records } from "./chats/records";
import { Unread } from "./chats/unread";
import type { Commands } from "./commands";
import { Connector, type ConnectorPorts } from "./connector";
import { Feed } from "./feed/feed";
import { Journal } from "./journal";
import { Outbox } from "./outbox/outbox";
import type { OutgoingRecord } from "./outbox/record";
import type { Uploader } from "./outbox/uploads";
import { People } from "./people";
import { type ChatId, type DomainEvent, RealtimeError, type UserId } from "./realtime";
import type { Rest } from "./rest";
import { prune } from "./storage/pruning";
import type { Kept, Storage } from "./storage/storage";
import type { Connection, Topic } from "./transport/transport";

export interface CorePorts extends ConnectorPorts {
  rest: Rest;
  upload: Uploader;
}

export class Core implements Commands {
  private readonly journal: Journal;
  private readonly records: Records;
  private readonly feed: Feed;
  private readonly outbox: Outbox;
  private readonly receipts: Receipts;
  private readonly openChats: OpenChats;
  private readonly people: People;
  private readonly unread: Unread;
  private readonly memberships: Memberships;
  private readonly connector: Connector;
  private me: Topic | null = null;
  private connection: Connection | null = null;
  private isPruned = false;

  constructor(
    ownId: UserId,
    ports: CorePorts,
    private readonly storage: Storage,
    private readonly board: Board,
  ) {
    this.journal = new Journal(
      storage,
      (chatIds) => this.receipts.arrived(chatIds),
      () => board.publish({ kind: "storage", storage: "memory" }),
    );
    this.records = new Records(board, this.journal);
    const push = (event: string, payload: object) => this.push(event, payload);
    this.outbox = new Outbox({
      board,
      upload: ports.upload,
      push,
      write: (batch) => this.journal.write(batch),
      answered: (message) => this.feed.take(message),
    });
    this.receipts = new Receipts(this.records, push, (chatId) => void this.unread.recount(chatId));
    this.openChats = new OpenChats(ownId, board);
    this.people = new People(board, this.journal, ports.rest);
    this.unread = new Unread(ownId, board, this.records, this.journal, storage, ports.rest);
    this.memberships = new Memberships(ownId, this.records, ports.rest);
    this.feed = new Feed(ownId, board, this.records, this.journal, ports.rest, {
      sent: (message) => this.outbox.sent(message),
      notSent: (failed) => this.outbox.notSent(failed),
      online: (ids) => this.people.onlineAre(ids),
      presence: (id, online, lastSeen) => this.people.presence(id, online, lastSeen),
      wrote: (chatId, userId) => this.openChats.othersTyping.heard(chatId, userId, "stop"),
      recount: (chatId) => void this.unread.recount(chatId),
      refresh: (chatId) => this.memberships.changed(chatId),
      removed: (chatId) => this.outbox.removed(chatId),
      draining: (ms) => this.connector.drain(ms),
      caughtUp: () => this.caughtUp(),
    });
    this.connector = new Connector(ports, {
      up: (connection) => this.up(connection),
      down: () => this.down(),
      state: (connection) => board.publish({ kind: "connection", connection }),
    });
  }

  /** Takes over from what is kept, and connects. */
  start(kept: Kept, unkept: readonly OutgoingRecord[]): void {
    this.feed.since = kept.since;
    this.people.restore(kept.people);
    // What is on the screen says when a message was written, not its place among those of the same moment: of what is kept, the record counts.
    const known = new Set(kept.outgoing.map(({ clientId }) => clientId));
    this.outbox.add(...kept.outgoing, ...unkept.filter(({ clientId }) => !known.has(clientId)));
    this.connector.start();
  }

  async stop(): Promise<void> {
    this.connector.stop();
    this.outbox.stop();
    this.people.stop();
    this.memberships.stop();
    await this.journal.flush();
  }

  // -- the connection --------------------------------------------------------------------------------------------

  private up(connection: Connection): void {
    this.connection = connection;
    this.me = connection.join("me", this.feed.body(), {
      joined: (answer) => this.joined(connection, answer as JoinAnswer),
      event: (name, payload) => this.feed.event({ name, payload, missed: false } as DomainEvent),
      ended: (error) => this.connector.fail(error.retryAfterMs, isSession(error.code) ? "refused" : "lost"),
    });
    this.board.publish({ kind: "connection", connection: { status: "catching-up" } });
  }

  private joined(connection: Connection, answer: JoinAnswer): void {
    this.connector.joined();
    this.feed.joined(answer);
    this.outbox.opened();
    this.receipts.opened();
    this.openChats.opened(connection);
    this.people.hurry();
    this.memberships.opened();
  }

  private down(): void {
    this.connection = null;
    this.me = null;
    this.feed.lost();
    this.outbox.lost();
    this.receipts.lost();
    this.openChats.lost();
    this.memberships.lost();
  }

  private caughtUp(): void {
    if (this.connection === null) return;
    this.board.publish({ kind: "connection", connection: { status: "online" } });
    if (this.isPruned) return;
    this.isPruned = true;
    void prune(this.storage, this.records.all());
  }

  private push(event: string, payload: object): Promise<unknown> {
    if (this.me === null) return Promise.reject(new RealtimeError("offline", "there is no connection"));
    return this.me.push(event, payload);
  }

  // -- commands --------------------------------------------------------------------------------------------------

  async send(record: OutgoingRecord): Promise<void> {
    this.outbox.add(record);
  }

  async retry(clientId: string): Promise<void> {
    await this.outbox.retry(clientId);
  }

  async discard(clientId: string): Promise<void> {
    await this.outbox.discard(clientId);
  }

  async edit(chatId: ChatId, seq: number, content: Record<string, unknown>): Promise<void> {
    this.answered(await this.push("message:edit", { chat_id: chatId, seq, content }));
  }

  async remove(chatId: ChatId, seq: number): Promise<void> {
    this.answered(await this.push("message:delete", { chat_id: chatId, seq }));
  }

  private answered(answer: unknown): void {
    const { message } = answer as { message?: MessageView };
    if (message !== undefined) this.feed.take(message);
  }

  async markRead(chatId: ChatId, seq: number): Promise<void> {
    this.receipts.read(chatId, seq);
    await this.unread.recount(chatId);
  }

  async typing(chatId: ChatId, active: boolean): Promise<void> {
    this.openChats.typing(chatId, active);
  }

  async updateLocation(chatId: ChatId, seq: number, position: object): Promise<void> {
    await this.openChats.push(chatId, "location:update", { seq, ...position });
  }

  async stopLocation(chatId: ChatId, seq: number): Promise<void> {
    this.answered(await this.openChats.push(chatId, "location:stop", { seq }));
  }

  async hold(chatId: ChatId, tab: string): Promise<void> {
    this.openChats.hold(chatId, tab);
    this.memberships.wanted(chatId);
  }

  async letGo(chatId: ChatId, tab: string): Promise<void> {
    this.openChats.letGo(chatId, tab);
    if (!this.openChats.isOpen(chatId)) this.memberships.unwanted(chatId);
  }

  async letGoAll(tab: string): Promise<void> {
    for (const chatId of this.openChats.heldBy(tab)) await this.letGo(chatId, tab);
  }

  async adopt(chat: ChatView): Promise<void> {
    const there = this.records.get(chat.id);
    const record = listed(there, chat, this.board.state.me?.id ?? "");
    // Of a chat that is new here nothing older is kept, so nothing is missing.
    this.records.save(there === undefined ? withSynced(record, chat.rev) : record);
  }

  async wantPeople(ids: readonly UserId[], anew?: boolean): Promise<void> {
    this.people.want(ids, anew);
  }

  async connectNow(): Promise<void> {
    this.connector.hurry();
  }

  async draft(chatId: ChatId, text: string): Promise<void> {
    this.board.publish({ kind: "draft", chatId, text });
  }
}

/** Codes that say that the token, or the session, is not good. */
function isSession(code: string): boolean {
  return !isRetryable(code) && (code === "unauthenticated" || code === "token_expired");
}
