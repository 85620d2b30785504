/** What is kept of a message that the server has not acknowledged. Pure. */
import type { Timestamp } from "@/types/socket";
import type { ChatId, Draft, Outgoing } from "../realtime";

export interface OutgoingRecord {
  readonly clientId: string;
  readonly chatId: ChatId;
  readonly draft: Draft;
  readonly createdAt: Timestamp;
  /** Its place among those of its chat. */
  readonly order: number;
  /** Of an attachment that has been uploaded, or of the draft. */
  readonly mediaId: string | null;
  readonly failed: { code: string; message: string } | null;
}

/** As they are to be sent. Two tabs may have written at the same moment. */
export function inOrder(records: Iterable<OutgoingRecord>): OutgoingRecord[] {
  return [...records].sort((a, b) => a.order - b.order || (a.clientId < b.clientId ? -1 : 1));
}

/** Whether it can be pushed: it has no file, or that is uploaded. */
export function isReady(record: OutgoingRecord): boolean {
  return record.draft.attachment === undefined || record.mediaId !== null;
}

export function outgoingOf(
  record: OutgoingRecord,
  status: Exclude<Outgoing["status"], "failed">,
  progress = record.mediaId === null ? 0 : 1,
): Outgoing {
  return {
    clientId: record.clientId,
    chatId: record.chatId,
    draft: record.draft,
    createdAt: record.createdAt,
    status: record.failed === null ? status : "failed",
    progress,
    error: record.failed,
  };
}

/** Of a message that another tab has taken in and perhaps not kept. Its file is uploaded anew. */
export function recordOfOutgoing(outgoing: Outgoing): OutgoingRecord {
  const { clientId, chatId, draft, createdAt, error } = outgoing;
  const mediaId = draft.mediaId ?? null;
  return { clientId, chatId, draft, createdAt, order: Date.parse(createdAt), mediaId, failed: error };
}
