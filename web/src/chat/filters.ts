/** Which chats of the list are shown. */
import type { Chat } from "@/realtime/realtime";
import { folded } from "@/ui/folded";

export const FILTERS = ["all", "unread", "groups"] as const;
export type Filter = (typeof FILTERS)[number];

/**
 * @param open the chat that is on the screen: it stays in the list of unread ones when it has just been read
 */
export function shows(
  chat: Chat,
  title: string,
  filter: Filter,
  query: string,
  open: string | null,
): boolean {
  if (filter === "unread" && chat.unread === 0 && chat.id !== open) return false;
  if (filter === "groups" && chat.type === "direct") return false;
  const wanted = folded(query.trim());
  return wanted === "" || folded(title).includes(wanted);
}
