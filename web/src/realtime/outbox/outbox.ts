/**
 * Messages of one's own until the server has acknowledged them. Each chat has a lane: one message at a time is under way in it, so that whatever is
 * refused for a while, or not answered, is sent again before what was written after it. One that has a file takes its place in the lane when that is
 * uploaded; one that is refused for good leaves it, and waits for its writer to decide.
 *
 * A message is sent again, under its `client_id`, until it is answered for good: the server sees to it that it is there once.
 */
import type { FeedEvents, MessageView, SendAnswer, SendBody } from "@/types/socket";
import { ASKING, isRetryable, pauseMs } from "../backoff";
import type { Board } from "../board";
import type { Change } from "../changes";
import { type ChatId, type Outgoing, RealtimeError } from "../realtime";
import type { Batch } from "../storage/storage";
import { inOrder, isReady, type OutgoingRecord, outgoingOf } from "./record";
import { type Uploader, Uploads } from "./uploads";

/** What the server has queued and not told of for so long is sent again. */
const QUEUED_MS = 20_000;
/** A server that fails over this message so often does so because of it. */
const MOST_INTERNAL = 5;

export interface OutboxPorts {
  board: Board;
  write(batch: Batch): Promise<unknown>;
  upload: Uploader;
  /** Pushes on the topic `me`. */
  push(event: string, payload: object): Promise<unknown>;
  /** The server's message, as it answered. */
  answered(message: MessageView): void;
}

interface Lane {
  /** What is to be pushed, in order. The first of them is under way while `busy`, or waits for `timer`. */
  queue: OutgoingRecord[];
  busy: boolean;
  timer: ReturnType<typeof setTimeout> | null;
  failures: number;
  internal: number;
}

export class Outbox {
  private readonly records = new Map<string, OutgoingRecord>();
  private readonly lanes = new Map<ChatId, Lane>();
  private readonly uploads: Uploads;
  private connection = 0;
  private connected = false;
  private lastOrder = 0;

  constructor(private readonly ports: OutboxPorts) {
    this.uploads = new Uploads(ports.upload, {
      progress: (clientId, fraction) => this.show(clientId, "uploading", fraction),
      uploaded: (clientId, mediaId) => this.uploaded(clientId, mediaId),
      refused: (clientId, error) => this.fail(clientId, error),
    });
  }

  /** Takes in what waits: what was kept, or has just been written. What is here already stays as it is. */
  add(...records: readonly OutgoingRecord[]): void {
    for (const record of inOrder(records)) {
      if (this.records.has(record.clientId)) continue;
      this.records.set(record.clientId, record);
      this.lastOrder = Math.max(this.lastOrder, record.order);
      this.enter(record);
    }
  }

  private enter(record: OutgoingRecord): void {
    if (record.failed !== null) {
      this.show(record.clientId, "waiting");
    } else if (isReady(record)) {
      this.show(record.clientId, "waiting");
      this.lane(record.chatId).queue.push(record);
      this.advance(record.chatId);
    } else {
      this.show(record.clientId, "uploading");
      this.uploads.add(record);
    }
  }

  opened(): void {
    this.connection += 1;
    this.connected = true;
    this.uploads.hurry();
    for (const [chatId, lane] of this.lanes) {
      this.pause(lane, null);
      lane.busy = false;
      this.advance(chatId);
    }
  }

  lost(): void {
    this.connected = false;
    this.connection += 1;
    for (const lane of this.lanes.values()) {
      this.pause(lane, null);
      lane.busy = false;
      const first = lane.queue[0];
      if (first !== undefined) this.show(first.clientId, "waiting");
    }
  }

  stop(): void {
    this.lost();
    this.uploads.stop();
  }

  async retry(clientId: string): Promise<void> {
    const record = this.records.get(clientId);
    if (record === undefined || record.failed === null) return;
    const order = this.nextOrder();
    const again = { ...record, failed: null, order };
    await this.keep(again);
    this.enter(again);
  }

  async discard(clientId: string): Promise<void> {
    const record = this.records.get(clientId);
    if (record === undefined) return;
    this.uploads.discard(record);
    this.ports.board.publish(...this.forget(record));
    await this.ports.write({ sent: [clientId] });
  }

  /** One's own message is in the record. @returns what is to be told, together with the message */
  sent(message: MessageView): Change[] {
    const record = this.records.get(message.client_id);
    if (record === undefined || record.chatId !== message.chat_id) return [];
    void this.ports.write({ messages: [message], sent: [record.clientId] });
    return this.forget(record);
  }

  /** What was queued will not be written. */
  notSent({ client_id, code, reason }: FeedEvents["MESSAGE_FAILED"]): void {
    this.fail(client_id, { code, message: reason });
  }

  /** The chat is no more. */
  removed(chatId: ChatId): void {
    const lost = [...this.records.values()].filter((record) => record.chatId === chatId);
    for (const record of lost) {
      this.uploads.discard(record);
      this.forget(record);
    }
    if (lost.length > 0) void this.ports.write({ sent: lost.map((record) => record.clientId) });
  }

  private forget(record: OutgoingRecord): Change[] {
    this.records.delete(record.clientId);
    this.leaveLane(record);
    return [{ kind: "sent", chatId: record.chatId, clientId: record.clientId }];
  }

  private leaveLane(record: OutgoingRecord): void {
    const lane = this.lanes.get(record.chatId);
    const index = lane?.queue.findIndex(({ clientId }) => clientId === record.clientId) ?? -1;
    if (lane === undefined || index < 0) return;
    lane.queue.splice(index, 1);
    if (index > 0) return;
    this.pause(lane, null);
    lane.busy = false;
    lane.failures = 0;
    lane.internal = 0;
    this.advance(record.chatId);
  }

  private uploaded(clientId: string, mediaId: string): void {
    const record = this.records.get(clientId);
    if (record === undefined) return;
    const ready = { ...record, mediaId, order: this.nextOrder() };
    void this.keep(ready);
    this.enter(ready);
  }

  private fail(clientId: string, error: { code: string; message: string }): void {
    const record = this.records.get(clientId);
    if (record === undefined) return;
    const failed = { ...record, failed: error };
    void this.keep(failed);
    this.show(clientId, "waiting");
    this.leaveLane(failed);
  }

  private async keep(record: OutgoingRecord): Promise<void> {
    this.records.set(record.clientId, record);
    await this.ports.write({ outgoing: [record] });
  }

  private nextOrder(): number {
    this.lastOrder = Math.max(this.lastOrder + 1, Date.now());
    return this.lastOrder;
  }

  private show(clientId: string, status: Exclude<Outgoing["status"], "failed">, progress?: number): void {
    const record = this.records.get(clientId);
    if (record === undefined) return;
    this.ports.board.publish({ kind: "outgoing", outgoing: [outgoingOf(record, status, progress)] });
  }

  private lane(chatId: ChatId): Lane {
    const there = this.lanes.get(chatId);
    if (there !== undefined) return there;
    const lane = { queue: [], busy: false, timer: null, failures: 0, internal: 0 };
    this.lanes.set(chatId, lane);
    return lane;
  }

  private pause(lane: Lane, timer: Lane["timer"]): void {
    if (lane.timer !== null) clearTimeout(lane.timer);
    lane.timer = timer;
  }

  private advance(chatId: ChatId): void {
    const lane = this.lane(chatId);
    const first = lane.queue[0];
    if (first === undefined) {
      this.lanes.delete(chatId);
      return;
    }
    if (!this.connected || lane.busy || lane.timer !== null) return;
    lane.busy = true;
    this.show(first.clientId, "sending");
    void this.push(lane, first, this.connection);
  }

  private async push(lane: Lane, record: OutgoingRecord, connection: number): Promise<void> {
    let answer: SendAnswer;
    try {
      answer = (await this.ports.push("message:send", body(record))) as SendAnswer;
    } catch (error) {
      if (!(error instanceof RealtimeError)) throw error;
      if (this.isUnderWay(lane, record, connection)) this.refused(lane, record, error);
      return;
    }
    if (answer.message !== undefined) {
      // Good whenever it comes: also after the connection has gone.
      if (this.records.has(record.clientId)) this.ports.answered(answer.message);
    } else if (this.isUnderWay(lane, record, connection)) {
      this.show(record.clientId, "waiting");
      this.later(lane, record.chatId, QUEUED_MS);
    }
  }

  private isUnderWay(lane: Lane, record: OutgoingRecord, connection: number): boolean {
    return this.connection === connection && lane.busy && lane.queue[0]?.clientId === record.clientId;
  }

  private refused(lane: Lane, record: OutgoingRecord, error: RealtimeError): void {
    lane.internal += error.code === "internal" ? 1 : 0;
    if (!isRetryable(error.code) || lane.internal >= MOST_INTERNAL) {
      this.fail(record.clientId, { code: error.code, message: error.message });
      return;
    }
    lane.failures += 1;
    this.show(record.clientId, "waiting");
    this.later(lane, record.chatId, error.retryAfterMs ?? pauseMs(lane.failures, ASKING));
  }

  private later(lane: Lane, chatId: ChatId, ms: number): void {
    lane.busy = false;
    this.pause(
      lane,
      setTimeout(() => {
        lane.timer = null;
        this.advance(chatId);
      }, ms),
    );
  }
}

function body({ chatId, clientId, draft, mediaId }: OutgoingRecord): SendBody {
  return {
    chat_id: chatId,
    client_id: clientId,
    type: draft.type,
    content: draft.content,
    ...(mediaId === null ? {} : { media_id: mediaId }),
    ...(draft.replyTo === undefined ? {} : { reply_to: draft.replyTo }),
    ...(draft.forwarded === undefined ? {} : { forwarded: draft.forwarded }),
  };
}
