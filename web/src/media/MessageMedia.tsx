import type { Outgoing } from "@/realtime/realtime";
import type { MessageView } from "@/types/socket";

/** What a message shows besides text. */
export function MessageMedia(_: { message: MessageView }) {
  return null;
}

/** The same of one that is not sent yet. */
export function OutgoingMedia(_: { outgoing: Outgoing }) {
  return null;
}
