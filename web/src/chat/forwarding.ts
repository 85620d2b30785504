/** What a message becomes when it is passed on to another chat. */
import type { Attachment, Draft } from "@/realtime/realtime";
import type { MessageView } from "@/types/socket";

/** Fetches the file of somebody else's message: one's own message is to show a file of one's own. */
export type Fetch = (message: MessageView) => Promise<Attachment>;

type Content = Record<string, unknown>;

/** Not where somebody is at the moment: that is shared by themselves alone. Nor what a story or the server said. */
export function isForwardable(message: MessageView): boolean {
  if (message.deleted === true || message.type === "system") return false;
  if (message.type === "text") return true;
  if (message.type === "location") return (message.content as Content).live_until == null;
  return typeof message.media_id === "string";
}

/**
 * A draft of the same, which says that it is passed on. A file that is one's own already is sent as it is; another's is fetched, to be uploaded again.
 *
 * @throws whatever `fetch` throws
 */
export async function forwarded(message: MessageView, me: string, fetch: Fetch): Promise<Draft> {
  const draft: Draft = { type: message.type, content: message.content as Content, forwarded: true };
  if (typeof message.media_id !== "string") return draft;
  if (message.sender_id === me) return { ...draft, mediaId: message.media_id };
  return { ...draft, attachment: await fetch(message) };
}
