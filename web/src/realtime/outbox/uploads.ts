/**
 * Uploads attachments of outgoing messages: of each chat one at a time, in the order in which they were written; again and again while there is no
 * network, until the server refuses for good.
 */
import { ASKING, isRetryable, pauseMs } from "../backoff";
import type { Attachment, ChatId } from "../realtime";
import type { OutgoingRecord } from "./record";

export type Uploader = (
  attachment: Attachment,
  options: { onProgress: (fraction: number) => void; signal: AbortSignal },
) => Promise<{ media_id: string }>;

export interface UploadsOwner {
  progress(clientId: string, fraction: number): void;
  uploaded(clientId: string, mediaId: string): void;
  refused(clientId: string, error: { code: string; message: string }): void;
}

interface Upload {
  record: OutgoingRecord;
  abort: AbortController;
  failures: number;
  timer: ReturnType<typeof setTimeout> | null;
}

export class Uploads {
  private readonly queues = new Map<ChatId, Upload[]>();
  private stopped = false;

  constructor(
    private readonly upload: Uploader,
    private readonly owner: UploadsOwner,
  ) {}

  add(record: OutgoingRecord): void {
    const queue = this.queues.get(record.chatId) ?? [];
    this.queues.set(record.chatId, queue);
    queue.push({ record, abort: new AbortController(), failures: 0, timer: null });
    if (queue.length === 1) this.begin(record.chatId);
  }

  discard(record: OutgoingRecord): void {
    const queue = this.queues.get(record.chatId) ?? [];
    const index = queue.findIndex((each) => each.record.clientId === record.clientId);
    const upload = queue[index];
    if (upload === undefined) return;
    queue.splice(index, 1);
    this.end(upload);
    if (index === 0) this.begin(record.chatId);
  }

  /** There is a network (again): who waits to try again tries now. */
  hurry(): void {
    for (const [chatId, queue] of this.queues) {
      const first = queue[0];
      if (first?.timer == null) continue;
      clearTimeout(first.timer);
      first.timer = null;
      this.begin(chatId);
    }
  }

  stop(): void {
    this.stopped = true;
    for (const queue of this.queues.values()) for (const upload of queue) this.end(upload);
    this.queues.clear();
  }

  private end(upload: Upload): void {
    upload.abort.abort();
    if (upload.timer !== null) clearTimeout(upload.timer);
  }

  private begin(chatId: ChatId): void {
    const upload = this.queues.get(chatId)?.[0];
    if (upload !== undefined) void this.run(chatId, upload);
    else this.queues.delete(chatId);
  }

  private async run(chatId: ChatId, upload: Upload): Promise<void> {
    const { clientId, draft } = upload.record;
    if (draft.attachment === undefined) throw new Error("an upload without a file");
    try {
      const { media_id } = await this.upload(draft.attachment, {
        onProgress: (fraction) => {
          if (this.isCurrent(chatId, upload)) this.owner.progress(clientId, fraction);
        },
        signal: upload.abort.signal,
      });
      if (this.isCurrent(chatId, upload)) this.done(chatId, () => this.owner.uploaded(clientId, media_id));
    } catch (error) {
      if (!this.isCurrent(chatId, upload)) return;
      const refusal = refusalOf(error);
      if (refusal !== null) {
        this.done(chatId, () => this.owner.refused(clientId, refusal));
        return;
      }
      upload.failures += 1;
      upload.timer = setTimeout(
        () => {
          upload.timer = null;
          void this.run(chatId, upload);
        },
        pauseMs(upload.failures, ASKING),
      );
    }
  }

  private isCurrent(chatId: ChatId, upload: Upload): boolean {
    return !this.stopped && this.queues.get(chatId)?.[0] === upload;
  }

  private done(chatId: ChatId, tell: () => void): void {
    this.queues.get(chatId)?.shift();
    tell();
    this.begin(chatId);
  }
}

/** What will not be uploaded however often it is tried. Errors without a code are the network's. */
function refusalOf(error: unknown): { code: string; message: string } | null {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return null;
  return isRetryable(error.code) ? null : { code: error.code, message: error.message };
}
