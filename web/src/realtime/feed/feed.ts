/**
 * The topic `me` as this device takes it in: the join's answer, further pages, and events, each of which may bring what is here already.
 *
 * For each chat `synced` says up to where nothing is missing. Events come in order and without holes, so each moves it; not while pages are still
 * being read: then events are only taken in, and what they would have moved it to counts when the last page is there.
 */
import type { CursorMoved, FeedEvents, JoinAnswer, JoinBody, MessageView, Timestamp } from "@/types/socket";
import type { Board } from "../board";
import type { Change } from "../changes";
import {
  type ChatRecord,
  listed,
  withCursor,
  withMessage,
  withOwnDelivered,
  withOwnRead,
  withoutUnread,
  withSynced,
} from "../chats/record";
import type { Records } from "../chats/records";
import type { Journal } from "../journal";
import type { ChatId, DomainEvent, UserId } from "../realtime";
import type { MessagesPage, Rest } from "../rest";
import { joinBody, joined } from "./joining";
import { Pager } from "./pager";

export interface FeedOwner {
  /** One's own message is in the record: what that means for the outbox. */
  sent(message: MessageView): Change[];
  notSent(failed: FeedEvents["MESSAGE_FAILED"]): void;
  /** These contacts are online, and no others. */
  online(userIds: readonly UserId[]): void;
  presence(userId: UserId, online: boolean, lastSeen: Timestamp | null): void;
  /** Who is no longer typing. */
  wrote(chatId: ChatId, userId: UserId): void;
  /** How many are unread has to be counted anew. */
  recount(chatId: ChatId): void;
  /** Who is in the chat, or what it is, has changed in a way that events do not tell whole. */
  refresh(chatId: ChatId): void;
  removed(chatId: ChatId): void;
  draining(reconnectAfterMs: number): void;
  caughtUp(): void;
}

export class Feed {
  since: Timestamp | null = null;
  private known: Record<ChatId, number> = {};
  private readonly liveRevs = new Map<ChatId, number>();
  /** What was the last message here before catching up, of chats of which pages are read. */
  private readonly hadSeqs = new Map<ChatId, number>();
  private readonly pager: Pager;

  constructor(
    private readonly ownId: UserId,
    private readonly board: Board,
    private readonly records: Records,
    private readonly journal: Journal,
    rest: Rest,
    private readonly owner: FeedOwner,
  ) {
    this.pager = new Pager(rest, {
      synced: (chatId) => this.records.get(chatId)?.synced ?? null,
      take: (chatId, page) => this.takePage(chatId, page),
      complete: (chatId) => this.complete(chatId),
      idle: () => owner.caughtUp(),
    });
  }

  /** What to join with. The answer to it is given to `joined`. */
  body(): JoinBody {
    const body = joinBody(this.records.all(), this.since);
    this.known = body.known ?? {};
    return body;
  }

  joined(answer: JoinAnswer): void {
    const result = joined(this.board.state.chats, this.known, answer, this.ownId);
    this.since = answer.server_time;
    const changes: Change[] = [{ kind: "me", me: answer.user }];
    for (const chatId of result.removed) changes.push({ kind: "removed", chatId });
    for (const chatId of result.reset) changes.push({ kind: "reset", chatId });
    changes.push({ kind: "chats", chats: result.chats });
    for (const chatId of result.further)
      this.hadSeqs.set(chatId, this.records.get(chatId)?.view.last_seq ?? 0);
    for (const [chatId, messages] of result.messages) changes.push(...this.brought(chatId, messages));
    this.journal.note({
      me: answer.user,
      since: answer.server_time,
      removed: result.removed,
      reset: result.reset,
      chats: result.chats,
      messages: [...result.messages.values()].flat(),
    });
    if (result.removed.length + result.reset.length > 0) void this.journal.flush();
    this.board.publish(...changes);
    for (const chatId of result.removed) this.owner.removed(chatId);
    this.owner.online(answer.online);
    this.pager.read(result.further);
    if (this.pager.isIdle) this.owner.caughtUp();
  }

  /** The connection is gone. */
  lost(): void {
    this.pager.stop();
    this.liveRevs.clear();
    this.hadSeqs.clear();
  }

  /** A message in a state that an answer told, and that events will tell too. */
  take(message: MessageView): void {
    const record = this.records.get(message.chat_id);
    if (record === undefined) return;
    this.journal.note({ messages: [message] });
    this.board.publish({ kind: "messages", chatId: record.id, messages: [message] }, ...this.sent(message));
  }

  event(event: DomainEvent): void {
    switch (event.name) {
      case "MESSAGE_SENT":
      case "MESSAGE_EDITED":
      case "MESSAGE_DELETED":
        this.message(event.name, event.payload.message, { kind: "event", event });
        return;
      case "MESSAGE_FAILED":
        this.owner.notSent(event.payload);
        break;
      case "MESSAGE_DELIVERED":
        this.cursor(event.payload, 0);
        break;
      case "MESSAGE_READ":
        this.cursor(event.payload, event.payload.seq);
        break;
      case "MESSAGE_RECEIPTS":
        this.counted(event.payload);
        break;
      case "CHAT_CREATED": {
        const there = this.records.get(event.payload.chat.id);
        const record = listed(there, event.payload.chat, this.ownId);
        this.records.save(there === undefined ? withSynced(record, record.view.rev) : record);
        if (there !== undefined) this.pager.read([record.id]);
        break;
      }
      case "CHAT_UPDATED":
        this.updated(event.payload);
        break;
      case "CHAT_DELETED":
        this.remove(event.payload.chat_id);
        break;
      case "MEMBER_CHANGED":
        this.member(event.payload);
        break;
      case "USER_UPDATED":
        this.journal.note({ me: event.payload.user });
        this.board.publish({ kind: "me", me: event.payload.user });
        break;
      case "USER_CONNECTED":
        this.owner.presence(event.payload.user_id, true, null);
        break;
      case "USER_DISCONNECTED":
        this.owner.presence(event.payload.user_id, false, event.payload.last_seen);
        break;
      case "SERVER_DRAINING":
        this.owner.draining(event.payload.reconnect_after_ms);
        break;
    }
    this.board.publish({ kind: "event", event });
  }

  private message(name: string, message: MessageView, happened: Change): void {
    const record = this.records.get(message.chat_id);
    if (record === undefined) return;
    const isDeletion = name === "MESSAGE_DELETED" && message.rev > record.view.rev;
    const isHole = name === "MESSAGE_SENT" && message.seq > record.view.last_seq + 1;
    let next = withMessage(record, message, this.ownId);
    if (isDeletion) next = withoutUnread(next, message, this.ownId);
    // Never on a connection as it is promised. Should it be, what is missing is read.
    if (isHole) this.pager.read([record.id]);
    next = this.moved(next, message.rev);
    this.journal.note({ chats: [next], messages: [message] });
    this.board.publish(
      { kind: "messages", chatId: record.id, messages: [message] },
      { kind: "chats", chats: [next] },
      ...this.sent(message),
      happened,
    );
    if (name === "MESSAGE_SENT") this.owner.wrote(record.id, message.sender_id);
  }

  private sent(message: MessageView): Change[] {
    return message.sender_id === this.ownId ? this.owner.sent(message) : [];
  }

  /** An event of the log has come. */
  private moved(record: ChatRecord, rev: number): ChatRecord {
    if (!this.pager.has(record.id)) return withSynced(record, rev);
    this.liveRevs.set(record.id, Math.max(rev, this.liveRevs.get(record.id) ?? 0));
    return record;
  }

  private cursor({ chat_id, user_id, seq }: CursorMoved, read: number): void {
    const record = this.records.get(chat_id);
    if (record === undefined) return;
    if (user_id !== this.ownId) {
      this.records.save(withCursor(record, user_id, seq, read));
      return;
    }
    const next = withOwnDelivered(withOwnRead(record, read), seq);
    if (next === record) return;
    this.records.save(next);
    if (read > 0 && next.view.unread > 0) this.owner.recount(chat_id);
  }

  private counted(receipts: FeedEvents["MESSAGE_RECEIPTS"]): void {
    const record = this.records.get(receipts.chat_id);
    if (record === undefined) return;
    const { delivered, read } = record.counted;
    const { seq, of } = receipts;
    this.records.save({
      ...record,
      counted: {
        delivered: receipts.delivered >= of && of > 0 ? Math.max(delivered, seq) : delivered,
        read: receipts.read >= of && of > 0 ? Math.max(read, seq) : read,
      },
    });
    this.board.publish({ kind: "receipts", receipts });
  }

  private updated(change: FeedEvents["CHAT_UPDATED"]): void {
    const record = this.records.get(change.chat_id);
    if (record === undefined) return;
    const view = { ...record.view };
    if (change.title != null) view.title = change.title;
    if (change.pinned != null) view.pinned = change.pinned;
    if (change.muted != null) {
      view.muted = change.muted;
      view.muted_until = change.muted ? (change.muted_until ?? null) : null;
    }
    if (change.rev != null) view.rev = Math.max(view.rev, change.rev);
    const next = { ...record, view };
    this.records.save(change.rev == null ? next : this.moved(next, change.rev));
  }

  private member(change: FeedEvents["MEMBER_CHANGED"]): void {
    const record = this.records.get(change.chat_id);
    if (record === undefined) return;
    const isOwn = change.user_id === this.ownId;
    if (isOwn && change.role === null) {
      this.remove(record.id);
      return;
    }
    const view = { ...record.view, rev: Math.max(record.view.rev, change.rev) };
    if (isOwn && change.role !== null) view.my_role = change.role;
    const cursors = { ...record.cursors };
    if (change.role === null) delete cursors[change.user_id];
    this.records.save(this.moved({ ...record, view, cursors }, change.rev));
    if (!isOwn) this.owner.refresh(record.id);
  }

  private remove(chatId: ChatId): void {
    this.journal.note({ removed: [chatId] });
    void this.journal.flush();
    this.board.publish({ kind: "removed", chatId });
    this.owner.removed(chatId);
  }

  private takePage(chatId: ChatId, page: MessagesPage): void {
    let record = this.records.get(chatId);
    if (record === undefined) return;
    const changes = this.brought(chatId, page.items);
    for (const message of page.items) record = withMessage(record, message, this.ownId);
    record = withSynced(record, page.rev ?? 0);
    this.journal.note({ chats: [record], messages: page.items });
    this.board.publish({ kind: "chats", chats: [record] }, ...changes);
  }

  private complete(chatId: ChatId): void {
    const record = this.records.get(chatId);
    if (record === undefined) return;
    this.records.save(withSynced(record, this.liveRevs.get(chatId) ?? 0));
    this.liveRevs.delete(chatId);
    this.hadSeqs.delete(chatId);
    this.owner.recount(chatId);
  }

  /** Messages that catching up has brought, and what they are to whoever listens. */
  private brought(chatId: ChatId, messages: readonly MessageView[]): Change[] {
    const changes: Change[] = [{ kind: "messages", chatId, messages }];
    const hadSeq = this.hadSeqs.get(chatId) ?? this.records.get(chatId)?.view.last_seq ?? 0;
    for (const message of messages) {
      const changed = message.deleted ? "MESSAGE_DELETED" : "MESSAGE_EDITED";
      const name = message.seq > hadSeq ? "MESSAGE_SENT" : changed;
      changes.push(...this.sent(message));
      changes.push({ kind: "event", event: { name, payload: { message }, missed: true } });
    }
    return changes;
  }
}
