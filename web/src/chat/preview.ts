/** What a message is in one line: in the list of chats, in quotes, when it is announced. */
import type { Outgoing } from "@/realtime/realtime";
import type { MessageType, MessageView } from "@/types/socket";
import { unformatted } from "./formatting";

export type PreviewKind = MessageType | "live-location" | "deleted";

export interface Preview {
  kind: PreviewKind;
  /** What its sender wrote or the file is called; without it, the kind is named. */
  text: string | null;
  durationMs: number | null;
}

/** A line is shown: of longer texts, no more is looked at than that. */
const LINE = 300;

export function previewOf(shown: MessageView | Outgoing): Preview {
  if (isOutgoing(shown)) return inLine(shown.draft.type, shown.draft.content);
  if (shown.deleted === true) return { kind: "deleted", text: null, durationMs: null };
  return inLine(shown.type, shown.content as Record<string, unknown>);
}

export const isOutgoing = (shown: MessageView | Outgoing): shown is Outgoing => "draft" in shown;

function inLine(type: MessageType, content: Record<string, unknown>): Preview {
  const text = (field: string) => {
    const value = content[field];
    return typeof value === "string" && value.trim() !== "" ? line(value) : null;
  };
  const duration = content.duration_ms;
  return {
    kind: type === "location" && text("live_until") !== null ? "live-location" : type,
    text:
      type === "text" || type === "system"
        ? text("text")
        : (text("caption") ?? (type === "document" ? text("filename") : null)),
    durationMs: (type === "audio" || type === "video") && typeof duration === "number" ? duration : null,
  };
}

function line(text: string): string {
  const short = text.length > LINE ? text.slice(0, LINE) : text;
  return unformatted(short).replace(/\s+/gu, " ").trim();
}
