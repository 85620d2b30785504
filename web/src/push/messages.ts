/** What the service worker and a page say to each other. */
export type Question =
  /** Is this chat on the screen? Answered through the port that comes with it. */
  | { type: "SHOWING"; chatId: string }
  /** Go to this page. Answered in the same way. */
  | { type: "OPEN"; path: string }
  /** There is a new push subscription, to be handed to the server. */
  | { type: "PUSH_RENEWED" };

export interface Answer {
  showing: boolean;
}

export function isQuestion(data: unknown): data is Question {
  if (typeof data !== "object" || data === null || !("type" in data)) return false;
  if (data.type === "SHOWING") return "chatId" in data && typeof data.chatId === "string";
  // A path, and not an address that would lead elsewhere.
  if (data.type === "OPEN")
    return "path" in data && typeof data.path === "string" && /^\/(?!\/)/.test(data.path);
  return data.type === "PUSH_RENEWED";
}

export function isAnswer(data: unknown): data is Answer {
  return typeof data === "object" && data !== null && "showing" in data && typeof data.showing === "boolean";
}
