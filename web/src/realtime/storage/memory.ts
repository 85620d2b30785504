/** A store in memory: for tests, and where a device keeps nothing. */
import type { MessageView } from "@/types/socket";
import type { ChatRecord } from "../chats/record";
import { lastRun } from "../history/stretch";
import { inOrder, type OutgoingRecord } from "../outbox/record";
import type { ChatId } from "../realtime";
import type { Batch, Kept, KeptPerson, Storage } from "./storage";

export class MemoryStorage implements Storage {
  private me: Kept["me"] = null;
  private since: Kept["since"] = null;
  private readonly chats = new Map<ChatId, ChatRecord>();
  private readonly log = new Map<ChatId, Map<number, MessageView>>();
  private readonly outgoing = new Map<string, OutgoingRecord>();
  private readonly drafts = new Map<ChatId, string>();
  private readonly people = new Map<string, KeptPerson>();

  async load(): Promise<Kept> {
    return {
      me: this.me,
      since: this.since,
      chats: [...this.chats.values()],
      outgoing: inOrder(this.outgoing.values()),
      drafts: [...this.drafts],
      people: [...this.people.values()],
    };
  }

  async write(batch: Batch): Promise<void> {
    this.me = batch.me ?? this.me;
    this.since = batch.since ?? this.since;
    for (const chatId of batch.removed ?? []) {
      this.chats.delete(chatId);
      this.log.delete(chatId);
      this.drafts.delete(chatId);
    }
    for (const chatId of batch.reset ?? []) this.log.delete(chatId);
    for (const chat of batch.chats ?? []) this.chats.set(chat.id, chat);
    for (const message of batch.messages ?? []) this.put(message);
    for (const record of batch.outgoing ?? []) this.outgoing.set(record.clientId, record);
    for (const clientId of batch.sent ?? []) this.outgoing.delete(clientId);
    for (const person of batch.people ?? []) this.people.set(person.person.id, person);
    for (const [chatId, text] of batch.drafts ?? []) {
      if (text === "") this.drafts.delete(chatId);
      else this.drafts.set(chatId, text);
    }
  }

  private put(message: MessageView): void {
    const log = this.log.get(message.chat_id) ?? new Map<number, MessageView>();
    this.log.set(message.chat_id, log);
    const there = log.get(message.seq);
    if (there === undefined || message.rev >= there.rev) log.set(message.seq, message);
  }

  async messages(chatId: ChatId, from: number, to: number): Promise<MessageView[]> {
    return this.ascending(chatId).filter(({ seq }) => from <= seq && seq <= to);
  }

  async newest(chatId: ChatId, limit: number): Promise<MessageView[]> {
    return lastRun(this.ascending(chatId)).slice(-limit);
  }

  async prune(chatId: ChatId, keep: number): Promise<void> {
    const messages = this.ascending(chatId);
    const log = this.log.get(chatId);
    for (const { seq } of messages.slice(0, Math.max(0, messages.length - keep))) log?.delete(seq);
  }

  private ascending(chatId: ChatId): MessageView[] {
    return [...(this.log.get(chatId)?.values() ?? [])].sort((a, b) => a.seq - b.seq);
  }

  async clear(): Promise<void> {
    this.me = null;
    this.since = null;
    for (const map of [this.chats, this.log, this.outgoing, this.drafts, this.people]) map.clear();
  }

  close(): void {}
}
