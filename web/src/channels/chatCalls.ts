/** What one changes about a chat, for oneself or for all. What has changed comes back as an event, on every device. */
import { api, ok } from "@/api/client";
import type { ChatView } from "@/types/socket";

const of = (chatId: string) => ({ params: { path: { chat_id: chatId } } });

export async function setPinned(chatId: string, pinned: boolean): Promise<void> {
  const path = "/api/v1/chats/{chat_id}/pin";
  await ok(pinned ? api.PUT(path, of(chatId)) : api.DELETE(path, of(chatId)));
}

export const MUTES = ["hours", "week", "always"] as const;
export type Mute = (typeof MUTES)[number];

const HOUR_MS = 3_600_000;
const LASTS_MS: Readonly<Record<Mute, number | null>> = {
  hours: 8 * HOUR_MS,
  week: 7 * 24 * HOUR_MS,
  always: null,
};

/** Until when that is, or `null` for ever. */
function muteEnds(mute: Mute, now: number): string | null {
  const lasts = LASTS_MS[mute];
  return lasts === null ? null : new Date(now + lasts).toISOString();
}

export async function mute(chatId: string, how: Mute): Promise<void> {
  const until = muteEnds(how, Date.now());
  await ok(api.PUT("/api/v1/chats/{chat_id}/mute", { ...of(chatId), body: { until } }));
}

export async function unmute(chatId: string): Promise<void> {
  await ok(api.DELETE("/api/v1/chats/{chat_id}/mute", of(chatId)));
}

export async function rename(chatId: string, title: string): Promise<ChatView> {
  return ok(api.PATCH("/api/v1/chats/{chat_id}", { ...of(chatId), body: { title } }));
}

/** Closes a group or channel for all. */
export async function closeChat(chatId: string): Promise<void> {
  await ok(api.DELETE("/api/v1/chats/{chat_id}", of(chatId)));
}

export async function putMember(chatId: string, userId: string, role: "admin" | "member"): Promise<void> {
  await ok(
    api.PUT("/api/v1/chats/{chat_id}/members/{user_id}", {
      params: { path: { chat_id: chatId, user_id: userId } },
      body: { role },
    }),
  );
}

/** Removes somebody; oneself: leaves. */
export async function removeMember(chatId: string, userId: string): Promise<void> {
  await ok(
    api.DELETE("/api/v1/chats/{chat_id}/members/{user_id}", {
      params: { path: { chat_id: chatId, user_id: userId } },
    }),
  );
}
