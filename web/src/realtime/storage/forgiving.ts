/**
 * A store of which nothing depends on reading: what cannot be read is as if it were not kept, and the server is asked for it. Nor does signing out
 * depend on what cannot be removed. Writes and the first load fail as they do: whoever writes has to know.
 */
import type { MessageView } from "@/types/socket";
import type { ChatId } from "../realtime";
import { type Batch, type Kept, type Storage, StorageError } from "./storage";

export class ForgivingStorage implements Storage {
  constructor(private readonly storage: Storage) {}

  load(): Promise<Kept> {
    return this.storage.load();
  }

  write(batch: Batch): Promise<void> {
    return this.storage.write(batch);
  }

  messages(chatId: ChatId, from: number, to: number): Promise<MessageView[]> {
    return this.storage.messages(chatId, from, to).catch(orElse([]));
  }

  newest(chatId: ChatId, limit: number): Promise<MessageView[]> {
    return this.storage.newest(chatId, limit).catch(orElse([]));
  }

  prune(chatId: ChatId, keep: number): Promise<void> {
    return this.storage.prune(chatId, keep).catch(orElse(undefined));
  }

  clear(): Promise<void> {
    return this.storage.clear().catch(orElse(undefined));
  }

  close(): void {
    this.storage.close();
  }
}

function orElse<T>(nothing: T): (error: unknown) => T {
  return (error) => {
    if (error instanceof StorageError) return nothing;
    throw error;
  };
}
