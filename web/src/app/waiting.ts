import type { RealtimeState } from "@/realtime/realtime";

/** Chats with something unread that are not muted: what the title and the rail count. */
export function chatsWaiting(state: Pick<RealtimeState, "chats">): number {
  let waiting = 0;
  for (const chat of state.chats.values()) if (chat.unread > 0 && !chat.muted) waiting += 1;
  return waiting;
}
