/**
 * How many are unread, where an event does not say it: counted from what is kept, and where that is not whole, by the server, once it knows what has
 * been read.
 */
import type { Board } from "../board";
import type { Journal } from "../journal";
import { type ChatId, RealtimeError, type UserId } from "../realtime";
import type { Rest } from "../rest";
import type { Storage } from "../storage/storage";
import { type ChatRecord, countUnread } from "./record";
import type { Records } from "./records";

const MOST_COUNTED = 1_000;
/** Answers that are out of date when they come, because the chat goes on. */
const MOST_TRIES = 3;

export class Unread {
  constructor(
    private readonly ownId: UserId,
    private readonly board: Board,
    private readonly records: Records,
    private readonly journal: Journal,
    private readonly storage: Storage,
    private readonly rest: Rest,
  ) {}

  async recount(chatId: ChatId): Promise<void> {
    const before = this.records.get(chatId);
    if (before === undefined || before.view.unread === 0) return;
    const { read_seq, last_seq } = before.view;
    await this.journal.flush();
    const behind = last_seq - read_seq;
    const isFew = behind <= MOST_COUNTED && this.board.state.storage === "kept";
    const messages = isFew ? await this.storage.messages(chatId, read_seq + 1, last_seq) : [];
    const unread = messages.length < behind ? null : countUnread(messages, this.ownId);
    // Events that have come meanwhile count by themselves what is behind; a cursor that has moved asks for its own count.
    if (unread !== null) this.count(before, unread);
    else if (before.readMark === 0) await this.ask(chatId);
  }

  private async ask(chatId: ChatId): Promise<void> {
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const before = this.records.get(chatId);
      if (before === undefined || before.view.unread === 0) return;
      try {
        const view = await this.rest.chat(chatId);
        const isSame = view.read_seq === before.view.read_seq && view.last_seq === before.view.last_seq;
        if (isSame && this.count(before, view.unread)) return;
      } catch (error) {
        if (!(error instanceof RealtimeError)) throw error;
        return; // The next join's answer says it.
      }
    }
  }

  /** @returns whether nothing has moved since `before` */
  private count(before: ChatRecord, unread: number): boolean {
    const now = this.records.get(before.id);
    if (now === undefined) return true;
    if (now.view.read_seq !== before.view.read_seq || now.view.last_seq !== before.view.last_seq)
      return false;
    if (now.view.rev !== before.view.rev) return false;
    if (unread === now.view.unread) return true;
    this.records.save({ ...now, view: { ...now.view, unread } });
    return true;
  }
}
