/** Why one cannot write in a chat, if so. */
import { useBlock } from "@/channels/blocks";
import type { Chat } from "@/realtime/realtime";
import { usePerson } from "@/store/hooks";
import { maySend } from "./permissions";

export type HindranceKind = { kind: "channel" } | { kind: "deleted" } | { kind: "blocked"; userId: string };

/** Whoever is blocked by the other is not told: what they send is refused. */
export function useHindrance(chat: Chat): HindranceKind | null {
  const peer = usePerson(chat.peer_id);
  const { blocked } = useBlock(chat.peer_id);
  if (!maySend(chat)) return { kind: "channel" };
  if (peer?.deleted === true) return { kind: "deleted" };
  return blocked === true && chat.peer_id !== null ? { kind: "blocked", userId: chat.peer_id } : null;
}
