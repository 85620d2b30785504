/** Where a history's messages come from: what is kept first, and the server for what is not; asked again while there is no connection. */
import type { MessageView } from "@/types/socket";
import { ASKING, isRetryable, pauseMs } from "../backoff";
import type { Board } from "../board";
import { type ChatId, RealtimeError } from "../realtime";
import type { PageQuery, Rest } from "../rest";
import { type Storage, StorageError } from "../storage/storage";
import { Recent } from "./recent";
import { firstRun, lastRun } from "./stretch";

/** The chat is not on the screen any more, or shows another part of its history. */
export class NotWanted extends Error {}

export class HistorySource {
  /** To be laid over what comes from here, at the moment when it is shown. */
  readonly recent = new Recent();
  private readonly sleepers = new Set<() => void>();

  constructor(
    private readonly rest: Rest,
    private readonly storage: Storage,
    private readonly board: Board,
  ) {
    let wasOnline = false;
    board.listen((changes, { connection }) => {
      for (const change of changes) if (change.kind === "messages") this.recent.add(change.messages);
      const isOnline = connection.status === "online" || connection.status === "catching-up";
      if (isOnline && !wasOnline) for (const wake of [...this.sleepers]) wake();
      wasOnline = isOnline;
    });
  }

  private get keeps(): boolean {
    return this.board.state.storage === "kept";
  }

  /** The newest that are kept, without a hole. */
  async newestKept(chatId: ChatId, limit: number): Promise<readonly MessageView[]> {
    return this.keeps ? await this.storage.newest(chatId, limit) : [];
  }

  /** Messages that end right before `seq`; at most `limit`, at least one if there is one. @throws NotWanted */
  async before(chatId: ChatId, seq: number, limit: number, wanted: () => boolean) {
    if (seq <= 1) return [];
    const kept = this.keeps ? await this.storage.messages(chatId, Math.max(1, seq - limit), seq - 1) : [];
    const run = lastRun(kept);
    if (run.at(-1)?.seq === seq - 1) return run;
    return this.page(chatId, { before_seq: seq, limit }, wanted);
  }

  /** Messages that begin right after `seq`; at most `limit`, at least one if there is one. @throws NotWanted */
  async after(chatId: ChatId, seq: number, limit: number, wanted: () => boolean) {
    const kept = this.keeps ? await this.storage.messages(chatId, seq + 1, seq + limit) : [];
    const run = firstRun(kept);
    if (run[0]?.seq === seq + 1) return run;
    return this.page(chatId, { after_seq: seq, limit }, wanted);
  }

  /** The newest there are. @throws NotWanted */
  newest(chatId: ChatId, limit: number, wanted: () => boolean): Promise<readonly MessageView[]> {
    return this.page(chatId, { limit }, wanted);
  }

  async one(chatId: ChatId, seq: number): Promise<MessageView | null> {
    const [kept] = this.keeps ? await this.storage.messages(chatId, seq, seq) : [];
    if (kept !== undefined) return kept;
    const { items } = await this.rest.page(chatId, { after_seq: seq - 1, limit: 1 });
    return items[0]?.seq === seq ? items[0] : null;
  }

  private async page(
    chatId: ChatId,
    query: PageQuery,
    wanted: () => boolean,
  ): Promise<readonly MessageView[]> {
    for (let failures = 1; ; failures += 1) {
      if (!wanted()) throw new NotWanted();
      try {
        const { items } = await this.rest.page(chatId, query);
        // What is not wanted any more may be of a chat of which nothing is to be kept.
        if (!wanted()) throw new NotWanted();
        await this.keep(this.recent.over(items));
        if (!wanted()) throw new NotWanted();
        return items;
      } catch (error) {
        if (!(error instanceof RealtimeError)) throw error;
        // Refused for good: the user is no longer in the chat, which events say.
        if (!isRetryable(error.code)) return [];
        await this.sleep(error.retryAfterMs ?? pauseMs(failures, ASKING));
      }
    }
  }

  private async keep(messages: readonly MessageView[]): Promise<void> {
    if (!this.keeps) return;
    try {
      await this.storage.write({ messages });
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      // They are shown all the same, and asked for again next time.
    }
  }

  private sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.sleepers.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.sleepers.add(wake);
    });
  }
}
