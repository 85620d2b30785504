/** Reads what a join's answer had no room for: pages by `after_rev`, a few chats at a time, for as long as the connection lasts. */
import { ASKING, isRetryable, pauseMs } from "../backoff";
import type { ChatId } from "../realtime";
import { RealtimeError } from "../realtime";
import type { MessagesPage, Rest } from "../rest";

const PAGE = 200;
const AT_ONCE = 4;

export interface PagerOwner {
  /** Where to go on; `null` for a chat that is gone. */
  synced(chatId: ChatId): number | null;
  take(chatId: ChatId, page: MessagesPage): void;
  /** Nothing of this chat is missing any more. */
  complete(chatId: ChatId): void;
  /** No pages are to be read any more. */
  idle(): void;
}

export class Pager {
  private readonly waiting = new Set<ChatId>();
  private readonly under = new Set<ChatId>();
  private round = 0;
  private timers = new Set<ReturnType<typeof setTimeout>>();

  constructor(
    private readonly rest: Rest,
    private readonly owner: PagerOwner,
  ) {}

  /** Events of the chat do not complete what is known of it while this is so. */
  has(chatId: ChatId): boolean {
    return this.waiting.has(chatId) || this.under.has(chatId);
  }

  get isIdle(): boolean {
    return this.waiting.size === 0 && this.under.size === 0;
  }

  read(chatIds: readonly ChatId[]): void {
    for (const chatId of chatIds) if (!this.under.has(chatId)) this.waiting.add(chatId);
    this.next();
  }

  /** The connection is gone: whatever comes now comes too late. */
  stop(): void {
    this.round += 1;
    this.waiting.clear();
    this.under.clear();
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
  }

  private next(): void {
    for (const chatId of this.waiting) {
      if (this.under.size >= AT_ONCE) return;
      this.waiting.delete(chatId);
      this.under.add(chatId);
      void this.pages(chatId, this.round, 0);
    }
  }

  private async pages(chatId: ChatId, round: number, failures: number): Promise<void> {
    try {
      for (;;) {
        const synced = this.owner.synced(chatId);
        if (synced === null) break;
        const page = await this.rest.page(chatId, { after_rev: synced, limit: PAGE });
        if (round !== this.round) return;
        if (this.owner.synced(chatId) === null) break;
        this.owner.take(chatId, page);
        failures = 0;
        if (page.next == null) {
          this.owner.complete(chatId);
          break;
        }
      }
    } catch (error) {
      if (round !== this.round) return;
      if (error instanceof RealtimeError && isRetryable(error.code)) {
        const pause = error.retryAfterMs ?? pauseMs(failures + 1, ASKING);
        const timer = setTimeout(() => {
          this.timers.delete(timer);
          void this.pages(chatId, round, failures + 1);
        }, pause);
        this.timers.add(timer);
        return;
      }
      // Refused for good: the user is no longer in the chat, which its events say.
      if (!(error instanceof RealtimeError)) throw error;
    }
    this.under.delete(chatId);
    this.next();
    if (this.isIdle) this.owner.idle();
  }
}
