/** What a tab asks of the one that has the connection, which may be itself. */
import type { ChatView } from "@/types/socket";
import type { OutgoingRecord } from "./outbox/record";
import type { ChatId, UserId } from "./realtime";

export interface Commands {
  /** A message that its tab has kept already. */
  send(record: OutgoingRecord): Promise<void>;
  retry(clientId: string): Promise<void>;
  discard(clientId: string): Promise<void>;
  edit(chatId: ChatId, seq: number, content: Record<string, unknown>): Promise<void>;
  remove(chatId: ChatId, seq: number): Promise<void>;
  markRead(chatId: ChatId, seq: number): Promise<void>;
  typing(chatId: ChatId, active: boolean): Promise<void>;
  updateLocation(
    chatId: ChatId,
    seq: number,
    position: { lat: number; lng: number; accuracy?: number },
  ): Promise<void>;
  stopLocation(chatId: ChatId, seq: number): Promise<void>;
  /** `tab` has it on its screen, or no longer. */
  hold(chatId: ChatId, tab: string): Promise<void>;
  letGo(chatId: ChatId, tab: string): Promise<void>;
  adopt(chat: ChatView): Promise<void>;
  wantPeople(ids: readonly UserId[], anew?: boolean): Promise<void>;
  connectNow(): Promise<void>;
  /** Another tab's draft, for all tabs. */
  draft(chatId: ChatId, text: string): Promise<void>;
}

/** Carries commands out somewhere. @throws RealtimeError */
export type Carry = <Name extends keyof Commands>(
  name: Name,
  ...args: Parameters<Commands[Name]>
) => Promise<void>;
