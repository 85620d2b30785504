/**
 * What a push says: where to look, how much is there, and with the server's `PUSH_PREVIEW` also who wrote and what (`docs/notifications.md`).
 * It comes from outside, so nothing in it is believed beyond its shape.
 */
export interface PushPayload {
  chatId: string;
  seq: number;
  count: number;
  from: string | null;
  kind: string | null;
  text: string | null;
}

/** Nothing that a node makes is longer; what is would be no id of ours. */
const LONGEST_ID = 64;

function text(value: unknown): string | null {
  return typeof value === "string" && value.trim() !== "" ? value : null;
}

/** `null` for what is not a push of a message: it is shown as "something is new", for a browser that is given a push has to show something. */
export function readPayload(raw: string | null | undefined): PushPayload | null {
  let body: Record<string, unknown>;
  try {
    const parsed: unknown = JSON.parse(raw ?? "");
    if (typeof parsed !== "object" || parsed === null) return null;
    body = parsed as Record<string, unknown>;
  } catch {
    return null;
  }
  const chatId = text(body.chat_id);
  if (body.type !== "message" || chatId === null || chatId.length > LONGEST_ID) return null;
  if (!Number.isSafeInteger(body.seq)) return null;
  return {
    chatId,
    seq: body.seq as number,
    count: Number.isSafeInteger(body.count) ? Math.max(1, body.count as number) : 1,
    from: text(body.from),
    kind: text(body.kind),
    text: text(body.text),
  };
}
