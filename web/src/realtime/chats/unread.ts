/** How many are unread, counted from what is kept, where an event does not say it. What is not kept whole is left as the server counted it. */
import type { Board } from "../board";
import type { Journal } from "../journal";
import type { ChatId, UserId } from "../realtime";
import type { Storage } from "../storage/storage";
import { countUnread } from "./record";

const MOST_COUNTED = 1_000;

export class Unread {
  constructor(
    private readonly ownId: UserId,
    private readonly board: Board,
    private readonly journal: Journal,
    private readonly storage: Storage,
  ) {}

  async recount(chatId: ChatId): Promise<void> {
    const before = this.board.state.chats.get(chatId);
    if (before === undefined) return;
    const { read_seq, last_seq } = before.view;
    const behind = last_seq - read_seq;
    if (behind > MOST_COUNTED || this.board.state.storage === "memory") return;
    await this.journal.flush();
    const messages = behind > 0 ? await this.storage.messages(chatId, read_seq + 1, last_seq) : [];
    const now = this.board.state.chats.get(chatId);
    if (now === undefined || messages.length < behind) return;
    // Events have gone on meanwhile: they count by themselves what is behind, and a cursor that has moved asks for its own count.
    if (now.view.read_seq !== read_seq || now.view.last_seq !== last_seq) return;
    const unread = countUnread(messages, this.ownId);
    if (unread === now.view.unread) return;
    const next = { ...now, view: { ...now.view, unread } };
    this.journal.note({ chats: [next] });
    this.board.publish({ kind: "chats", chats: [next] });
  }
}
