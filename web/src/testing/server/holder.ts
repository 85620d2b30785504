import type { Chat, ChatId, History, RealtimeClient } from "@/realtime/realtime";

/** Whoever has a client in a test, and looks at what it shows. */
export abstract class Holder {
  abstract client: RealtimeClient;

  get state() {
    return this.client.state.getState();
  }

  chat(chatId: ChatId): Chat {
    const chat = this.state.chats.get(chatId);
    if (chat === undefined) throw new Error(`${chatId} is not there`);
    return chat;
  }

  history(chatId: ChatId): History {
    const history = this.state.histories.get(chatId);
    if (history === undefined) throw new Error(`${chatId} is not open`);
    return history;
  }

  texts(chatId: ChatId): string[] {
    return this.history(chatId).messages.map(({ content, deleted }) =>
      deleted ? "(deleted)" : (content as { text: string }).text,
    );
  }

  send(chatId: ChatId, text: string): Promise<string> {
    return this.client.send(chatId, { type: "text", content: { text } });
  }
}
