/** Tells of messages that come in while the app is open and nobody looks at it. */
import { isLanguage, type Language } from "@/i18n";
import type { DomainEvent, RealtimeClient } from "@/realtime/realtime";
import type { MessageView } from "@/types/socket";
import { toTellOf } from "./alerts";
import { anyInFront, beSpeaker, watchFront } from "./front";
import { type Notice, noticeOf, tagOf } from "./notice";
import { optionsOf } from "./options";
import type { PushPayload } from "./payload";
import { preferences } from "./preferences";
import { knownOf } from "./remember";
import { playChime } from "./sound";
import { permission } from "./subscription";
import { noticeWords } from "./words";

/** What a message would say as a push: one notification is made for both. */
export function payloadOf(message: MessageView, sender: string | null, count: number): PushPayload {
  const content = message.content as Record<string, unknown>;
  const said = content.text ?? content.caption;
  return {
    chatId: message.chat_id,
    seq: message.seq,
    count: Math.max(1, count),
    from: sender,
    kind: message.type,
    text: typeof said === "string" && said.trim() !== "" ? said : null,
  };
}

function pageLanguage(): Language {
  const { lang } = document.documentElement;
  return isLanguage(lang) ? lang : "en";
}

/** Returns what ends it. */
export function startNotices(client: RealtimeClient): () => void {
  const unwatch = watchFront();
  const speaker = beSpeaker();
  const unsubscribe = client.subscribe((event) => {
    if (event.name === "MESSAGE_READ" && event.payload.user_id === client.state.getState().me?.id)
      void takeBack(event.payload.chat_id, event.payload.seq);
    else if (speaker.speaks()) void hear(event);
  });
  return () => {
    unsubscribe();
    speaker.end();
    unwatch();
  };

  async function hear(event: DomainEvent): Promise<void> {
    const state = client.state.getState();
    const message = toTellOf(event, state, Date.now());
    if (message === null || (await anyInFront())) return;
    const { enabled, sound, preview } = preferences.getState();
    if (sound) void playChime();
    if (!enabled || permission() !== "granted") return;
    const chat = state.chats.get(message.chat_id);
    if (chat === undefined) return;
    const sender = state.people.get(message.sender_id)?.name ?? null;
    const language = pageLanguage();
    const payload = payloadOf(message, sender, chat.unread);
    await show(noticeOf(payload, knownOf(chat, state.people), preview, noticeWords(language)), language);
  }
}

async function show(notice: Notice, language: string): Promise<void> {
  const registration = await navigator.serviceWorker.ready;
  // The page makes the sound that somebody has chosen, or none.
  await registration.showNotification(notice.title, { ...optionsOf(notice, language), silent: true });
}

/** What has been read, here or on another device, is no news any more. */
async function takeBack(chatId: string, seq: number): Promise<void> {
  if (permission() !== "granted") return;
  const registration = await navigator.serviceWorker.getRegistration();
  for (const shown of (await registration?.getNotifications({ tag: tagOf(chatId) })) ?? []) {
    if ((shown.data as { seq?: number } | null)?.seq === undefined || shown.data.seq <= seq) shown.close();
  }
}
