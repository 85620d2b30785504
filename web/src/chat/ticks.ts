/** How far a message of one's own has come. */
import type { Chat, Outgoing } from "@/realtime/realtime";
import type { MessageView } from "@/types/socket";

/** `waiting`: on this device only. `sent`: durable on the server. `delivered`, `read`: by everybody else in the chat. */
export type Progress = "waiting" | "failed" | "sent" | "delivered" | "read";

export function progressOf(message: MessageView, chat: Pick<Chat, "deliveredByAll" | "readByAll">): Progress {
  if (message.seq <= chat.readByAll) return "read";
  return message.seq <= chat.deliveredByAll ? "delivered" : "sent";
}

export const progressOfOutgoing = (outgoing: Outgoing): Progress =>
  outgoing.status === "failed" ? "failed" : "waiting";
