/** The chats' records: read from what tabs share, and told to them and to the store when they have changed. */
import type { Board } from "../board";
import type { Journal } from "../journal";
import type { ChatId } from "../realtime";
import type { ChatRecord } from "./record";

export class Records {
  constructor(
    private readonly board: Board,
    private readonly journal: Journal,
  ) {}

  all(): Iterable<ChatRecord> {
    return this.board.state.chats.values();
  }

  get(chatId: ChatId): ChatRecord | undefined {
    return this.board.state.chats.get(chatId);
  }

  save(record: ChatRecord): void {
    if (record === this.get(record.id)) return;
    this.journal.note({ chats: [record] });
    this.board.publish({ kind: "chats", chats: [record] });
  }
}
