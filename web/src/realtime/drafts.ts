/** What is being written, in all chats. Kept at once, and never written twice at the same time: the last text counts. */
import type { ChatId } from "./realtime";
import { type Storage, StorageError } from "./storage/storage";

export class Drafts {
  private readonly texts = new Map<ChatId, string>();
  private readonly unkept = new Map<ChatId, string>();
  private writing: Promise<void> | null = null;

  constructor(private readonly storage: Storage) {}

  restore(drafts: readonly [ChatId, string][]): void {
    for (const [chatId, text] of drafts) this.texts.set(chatId, text);
  }

  text(chatId: ChatId): string {
    return this.texts.get(chatId) ?? "";
  }

  keep(chatId: ChatId, text: string): void {
    this.heard(chatId, text);
    this.unkept.set(chatId, text);
    this.writing ??= this.write();
  }

  /** Another tab has kept it. */
  heard(chatId: ChatId, text: string): void {
    if (text === "") this.texts.delete(chatId);
    else this.texts.set(chatId, text);
  }

  async flush(): Promise<void> {
    await this.writing;
  }

  private async write(): Promise<void> {
    while (this.unkept.size > 0) {
      const drafts = [...this.unkept];
      this.unkept.clear();
      try {
        await this.storage.write({ drafts });
      } catch (error) {
        if (!(error instanceof StorageError)) throw error;
        // A device that keeps nothing says so elsewhere; the text is in memory.
      }
    }
    this.writing = null;
  }
}
