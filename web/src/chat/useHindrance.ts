/** Why one cannot write in a chat, if so. */
import type { Chat } from "@/realtime/realtime";
import { usePerson } from "@/store/hooks";
import { maySend } from "./permissions";

export type HindranceKind = { kind: "channel" } | { kind: "deleted" } | { kind: "blocked"; userId: string };

export function useHindrance(chat: Chat): HindranceKind | null {
  const peer = usePerson(chat.peer_id);
  if (!maySend(chat)) return { kind: "channel" };
  if (peer?.deleted === true) return { kind: "deleted" };
  return null;
}
