/**
 * Writes what changes to the store: gathered for a moment, so that a burst of events costs one transaction, and in order.
 *
 * What cannot be written is not lost to the user: it is in memory, and the next join brings it again. So a store that fails (a full disk) is said
 * to keep nothing from then on, once, and asked no more.
 */

import type { MessageView } from "@/types/socket";
import type { ChatRecord } from "./chats/record";
import type { ChatId, Person } from "./realtime";
import { type Batch, type Storage, StorageError } from "./storage/storage";

const GATHER_MS = 30;

export class Journal {
  private chats = new Map<ChatId, ChatRecord>();
  private messages = new Map<string, MessageView>();
  private reset = new Set<ChatId>();
  private removed = new Set<ChatId>();
  private people = new Map<string, { person: Person; at: number }>();
  private rest: Pick<Batch, "me" | "since"> = {};
  private timer: ReturnType<typeof setTimeout> | null = null;
  private last: Promise<void> = Promise.resolve();
  private failed = false;

  /**
   * @param written is told after each write, with the chats of which something was in it.
   * @param failing is told once, when the store turns out to keep nothing.
   */
  constructor(
    private readonly storage: Storage,
    private readonly written: (chatIds: readonly ChatId[]) => void,
    private readonly failing: () => void,
  ) {}

  note(batch: Pick<Batch, "me" | "since" | "chats" | "removed" | "reset" | "messages" | "people">): void {
    if (batch.me !== undefined) this.rest.me = batch.me;
    if (batch.since !== undefined) this.rest.since = batch.since;
    for (const chatId of batch.removed ?? []) {
      this.drop(chatId);
      this.removed.add(chatId);
    }
    for (const chatId of batch.reset ?? []) {
      this.drop(chatId);
      this.reset.add(chatId);
    }
    for (const chat of batch.chats ?? []) {
      this.chats.set(chat.id, chat);
    }
    for (const message of batch.messages ?? []) {
      const key = `${message.chat_id}/${message.seq}`;
      const there = this.messages.get(key);
      if (there === undefined || message.rev >= there.rev) this.messages.set(key, message);
    }
    for (const person of batch.people ?? []) this.people.set(person.person.id, person);
    this.timer ??= setTimeout(() => void this.flush(), GATHER_MS);
  }

  private drop(chatId: ChatId): void {
    this.chats.delete(chatId);
    for (const [key, message] of this.messages) if (message.chat_id === chatId) this.messages.delete(key);
  }

  /** What is read from now on has what was noted. Resolves when everything that was noted is written, or will not be. */
  async flush(): Promise<void> {
    if (this.timer !== null) {
      clearTimeout(this.timer);
      this.timer = null;
      const chatIds = [...this.chats.keys()];
      const batch: Batch = {
        ...this.rest,
        chats: [...this.chats.values()],
        removed: [...this.removed],
        reset: [...this.reset],
        messages: [...this.messages.values()],
        people: [...this.people.values()],
      };
      this.rest = {};
      for (const gathered of [this.chats, this.removed, this.reset, this.messages, this.people])
        gathered.clear();
      this.last = this.write(batch).then(() => this.written(chatIds));
    }
    await this.last;
  }

  /** Writes at once. @returns whether it is kept */
  async write(batch: Batch): Promise<boolean> {
    if (this.failed) return false;
    try {
      await this.storage.write(batch);
      return true;
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      // Which trouble it is changes nothing: the user is told that this device keeps nothing.
      if (!this.failed) {
        this.failed = true;
        this.failing();
      }
      return false;
    }
  }
}
