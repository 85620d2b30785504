/** The pictures and videos of a conversation, one after another. */
import type { MessageView } from "@/types/socket";

export function gallery(messages: readonly MessageView[]): MessageView[] {
  return messages.filter(
    ({ type, deleted, media_id }) => (type === "image" || type === "video") && deleted !== true && !!media_id,
  );
}

/** The one before or after; `null` at the ends. Of one that is gone meanwhile, the nearest in that direction. */
export function neighbour(items: readonly MessageView[], seq: number, by: -1 | 1): MessageView | null {
  return by === 1
    ? (items.find((item) => item.seq > seq) ?? null)
    : (items.findLast((item) => item.seq < seq) ?? null);
}
