/**
 * What events do not tell whole of chats that are open, or in which memberships have changed: how many members there are, and how far each has come.
 * Asked over REST, once for what changes in quick succession, and again for open chats with every connection.
 */
import { type ChatId, RealtimeError, type UserId } from "../realtime";
import type { Rest } from "../rest";
import { withCursor } from "./record";
import type { Records } from "./records";

const GATHER_MS = 500;
/** Members up to which each one's cursors are told; of more, the server tells sums. */
const MOST_NAMED = 64;

export class Memberships {
  /** Chats whose cursors have been read on this connection. */
  private readonly read = new Set<ChatId>();
  private readonly wishes = new Set<ChatId>();
  private readonly stale = new Set<ChatId>();
  private timer: ReturnType<typeof setTimeout> | null = null;
  private connection = 0;
  private connected = false;

  constructor(
    private readonly ownId: UserId,
    private readonly records: Records,
    private readonly rest: Rest,
  ) {}

  opened(): void {
    this.connected = true;
    for (const chatId of this.wishes) void this.cursors(chatId);
    if (this.stale.size > 0) this.later();
  }

  lost(): void {
    this.connected = false;
    this.connection += 1;
    this.read.clear();
    this.stop();
  }

  stop(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  /** A chat is open: its ticks are seen. */
  wanted(chatId: ChatId): void {
    this.wishes.add(chatId);
    void this.cursors(chatId);
  }

  unwanted(chatId: ChatId): void {
    this.wishes.delete(chatId);
  }

  /** Somebody has come, gone, or has another role. */
  changed(chatId: ChatId): void {
    this.read.delete(chatId);
    this.stale.add(chatId);
    this.later();
  }

  private later(): void {
    this.timer ??= setTimeout(() => {
      this.timer = null;
      for (const chatId of [...this.stale]) void this.view(chatId);
    }, GATHER_MS);
  }

  private async view(chatId: ChatId): Promise<void> {
    if (!this.connected) return;
    this.stale.delete(chatId);
    const asked = await this.ask(() => this.rest.chat(chatId));
    const record = this.records.get(chatId);
    if (record === undefined) return;
    if (asked === null) this.stale.add(chatId);
    else {
      const { member_count, my_role, title } = asked;
      this.records.save({ ...record, view: { ...record.view, member_count, my_role, title } });
      if (this.wishes.has(chatId)) await this.cursors(chatId);
    }
  }

  private async cursors(chatId: ChatId): Promise<void> {
    const before = this.records.get(chatId);
    if (before === undefined || !this.connected || this.read.has(chatId)) return;
    if (before.view.type !== "group") return;
    if (before.view.member_count > MOST_NAMED) {
      this.records.save({ ...before, cursorsComplete: false });
      return;
    }
    this.read.add(chatId);
    const members = await this.ask(() => this.rest.members(chatId, MOST_NAMED + 1));
    if (members === null) {
      this.read.delete(chatId);
      return;
    }
    let record = this.records.get(chatId);
    if (record === undefined) return;
    const there = new Set(members.map((member) => member.user_id));
    const cursors = Object.entries(record.cursors).filter(([userId]) => there.has(userId));
    record = {
      ...record,
      cursors: Object.fromEntries(cursors),
      cursorsComplete: members.length <= MOST_NAMED,
    };
    for (const { user_id, delivered_seq, read_seq } of members)
      if (user_id !== this.ownId) record = withCursor(record, user_id, delivered_seq, read_seq);
    this.records.save(record);
  }

  /** `null` if it is not answered, or the answer is of another connection: it is asked again with the next one. */
  private async ask<T>(question: () => Promise<T>): Promise<T | null> {
    const { connection } = this;
    try {
      const answer = await question();
      return connection === this.connection ? answer : null;
    } catch (error) {
      if (!(error instanceof RealtimeError)) throw error;
      return null;
    }
  }
}
