/**
 * Tells the server what has arrived here and what has been read: of each chat the furthest only, gathered for a moment, a few at a time, and again
 * until it is answered. What has been read is remembered while there is no connection, and over reloads (`readMark`).
 */
import { ASKING, isRetryable, pauseMs } from "../backoff";
import { type ChatId, RealtimeError } from "../realtime";
import { withOwnDelivered, withOwnRead } from "./record";
import type { Records } from "./records";

const GATHER_MS = 300;
const AT_ONCE = 4;

type Mark = "message:delivered" | "message:read";

export class Receipts {
  /** Chats of which something is to be told, in this order. */
  private readonly waiting = new Set<ChatId>();
  /** What the server has acknowledged as delivered, on this device's word or another's. */
  private readonly delivered = new Map<ChatId, number>();
  private under = 0;
  private failures = 0;
  private connection = 0;
  private connected = false;
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor(
    private readonly records: Records,
    private readonly push: (event: string, payload: object) => Promise<unknown>,
    /** The server knows what has been read of a chat. */
    private readonly known: (chatId: ChatId) => void,
  ) {}

  opened(): void {
    this.connected = true;
    this.connection += 1;
    this.under = 0;
    this.failures = 0;
    this.delivered.clear();
    for (const record of this.records.all()) {
      this.delivered.set(record.id, record.view.delivered_seq);
      this.want(record.id);
    }
  }

  lost(): void {
    this.connected = false;
    this.connection += 1;
    this.waiting.clear();
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  /** The user has seen everything up to `seq`. */
  read(chatId: ChatId, seq: number): void {
    const record = this.records.get(chatId);
    if (record === undefined) return;
    const upTo = Math.min(seq, record.view.last_seq);
    if (upTo <= record.view.read_seq) return;
    this.records.save({ ...withOwnRead(record, upTo), readMark: upTo });
    this.want(chatId);
  }

  /** Something of these chats is kept here now. */
  arrived(chatIds: readonly ChatId[]): void {
    for (const chatId of chatIds) this.want(chatId);
  }

  private want(chatId: ChatId): void {
    if (!this.connected || this.next(chatId) === null) return;
    this.waiting.add(chatId);
    this.later(GATHER_MS);
  }

  private later(ms: number): void {
    this.timer ??= setTimeout(() => {
      this.timer = null;
      this.flush();
    }, ms);
  }

  /** What is to be told of a chat: who has read has received. */
  private next(chatId: ChatId): [Mark, number] | null {
    const record = this.records.get(chatId);
    if (record === undefined) return null;
    if (record.readMark > 0) return ["message:read", record.readMark];
    const { last_seq } = record.view;
    return last_seq > (this.delivered.get(chatId) ?? record.view.delivered_seq)
      ? ["message:delivered", last_seq]
      : null;
  }

  private flush(): void {
    for (const chatId of this.waiting) {
      if (this.under >= AT_ONCE) return;
      this.waiting.delete(chatId);
      const mark = this.next(chatId);
      if (mark === null) continue;
      this.under += 1;
      void this.tell(chatId, mark, this.connection);
    }
  }

  private async tell(chatId: ChatId, [name, seq]: [Mark, number], connection: number): Promise<void> {
    let pause = 0;
    try {
      await this.push(name, { chat_id: chatId, seq });
      if (connection !== this.connection) return;
      this.failures = 0;
      this.told(chatId, name, seq);
    } catch (error) {
      if (!(error instanceof RealtimeError)) throw error;
      if (connection !== this.connection) return;
      if (isRetryable(error.code)) {
        this.failures += 1;
        pause = error.retryAfterMs ?? pauseMs(this.failures, ASKING);
      } else this.told(chatId, name, seq); // of a chat that the user is no longer in
    }
    this.under -= 1;
    if (this.next(chatId) !== null) this.waiting.add(chatId);
    if (pause > 0) this.later(pause);
    else if (this.waiting.size > 0 && this.timer === null) this.flush();
  }

  private told(chatId: ChatId, name: Mark, seq: number): void {
    this.delivered.set(chatId, Math.max(seq, this.delivered.get(chatId) ?? 0));
    const record = this.records.get(chatId);
    if (record === undefined) return;
    const marked = withOwnDelivered(record, seq);
    const isRead = name === "message:read" && record.readMark <= seq;
    this.records.save(isRead ? { ...marked, readMark: 0 } : marked);
    if (isRead) this.known(chatId);
  }
}
