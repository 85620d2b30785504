/** Where flows happen: with a server in memory and timers that are moved, or with a real node and real time. */
import type { Chat, ChatId, History, RealtimeClient, RealtimeState } from "../realtime";

export interface FlowDevice {
  readonly client: RealtimeClient;
  readonly state: RealtimeState;
  readonly userId: string;
  chat(chatId: ChatId): Chat;
  history(chatId: ChatId): History;
  texts(chatId: ChatId): string[];
  send(chatId: ChatId, text: string): Promise<string>;
  /** The device has a network, or none. */
  network: { set(online: boolean): void };
  /** The page is loaded again; what it had kept is there. */
  reload(): Promise<void>;
}

export interface World {
  /** Somebody new, on a device of theirs that has been started. */
  person(name: string): Promise<FlowDevice>;
  chat(type: "direct" | "group", members: readonly FlowDevice[]): Promise<ChatId>;
  /** Waits until `check` no longer throws. */
  until(check: () => void): Promise<void>;
  end(): Promise<void>;
}
