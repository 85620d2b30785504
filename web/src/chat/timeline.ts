/**
 * What a conversation shows, row by row: its history with the marks that depend on neighbours (day, unread line, whether it goes on from the one before).
 *
 * A message is one row, and marks belong to its row: so a page of older messages adds rows at the start and changes no others but the first.
 */
import type { History, Outgoing } from "@/realtime/realtime";
import type { MessageView, Timestamp } from "@/types/socket";

/** Messages of one person stand together when no more time lies between two of them. */
const TOGETHER_MS = 5 * 60_000;

export type TimelineRow = MessageRow | OutgoingRow;

interface Marks {
  /** The same while a message is outgoing and after it is sent, so that nothing on the screen is built anew. */
  key: string;
  senderId: string;
  at: Timestamp;
  /** When a new day begins with this row. */
  day: Timestamp | null;
  unreadLine: boolean;
  /** First and last of those that stand together. */
  first: boolean;
  last: boolean;
}

export interface MessageRow extends Marks {
  kind: "message";
  message: MessageView;
}

export interface OutgoingRow extends Marks {
  kind: "outgoing";
  outgoing: Outgoing;
}

/** Tells whether a time is on a later calendar day here than those before. Asked for every message, it asks the calendar once a day. */
function days(): (at: number) => boolean {
  let ends = Number.NEGATIVE_INFINITY;
  return (at) => {
    if (at < ends) return false;
    const date = new Date(at);
    ends = new Date(date.getFullYear(), date.getMonth(), date.getDate() + 1).getTime();
    return true;
  };
}

function standTogether(before: TimelineRow, after: TimelineRow, apartMs: number): boolean {
  return (
    apartMs <= TOGETHER_MS &&
    before.senderId === after.senderId &&
    after.day === null &&
    !after.unreadLine &&
    !isSystem(before) &&
    !isSystem(after)
  );
}

const isSystem = (row: TimelineRow) => row.kind === "message" && row.message.type === "system";

/** The row that was last made of a message. */
const made = new WeakMap<MessageView | Outgoing, TimelineRow>();

/** This row, or the one that was made of it before if nothing about it differs: then nothing on the screen is rendered anew for it. */
function kept(row: TimelineRow): TimelineRow {
  const of = row.kind === "message" ? row.message : row.outgoing;
  const before = made.get(of);
  if (
    before !== undefined &&
    before.key === row.key &&
    before.first === row.first &&
    before.last === row.last &&
    before.day === row.day &&
    before.unreadLine === row.unreadLine
  )
    return before;
  made.set(of, row);
  return row;
}

/**
 * The rows of a history, oldest first, what is not sent yet at the end. A row that is as it was is the same object.
 *
 * @param me whose messages the outgoing ones are
 */
export function timeline(history: History, me: string): TimelineRow[] {
  const rows: TimelineRow[] = [];
  let lineDrawn = false;
  let last = 0;
  const laterDay = days();
  const add = (row: TimelineRow) => {
    const at = Date.parse(row.at);
    if (laterDay(at)) row.day = row.at;
    const before = rows.at(-1);
    if (before !== undefined) {
      row.first = !standTogether(before, row, Math.abs(at - last));
      before.last = row.first;
    }
    last = at;
    rows.push(row);
  };
  for (const message of history.messages) {
    const unreadLine: boolean =
      !lineDrawn &&
      history.firstUnread !== null &&
      message.seq >= history.firstUnread &&
      message.sender_id !== me &&
      !message.deleted;
    lineDrawn ||= unreadLine;
    add({
      kind: "message",
      message,
      ...fresh(rowKey(message.sender_id, message.client_id), message.sender_id, message.created_at),
      unreadLine,
    });
  }
  // What waits for its turn is shown under what has come since, at the time of writing: its day is not shown again for it.
  for (const outgoing of history.outgoing)
    add({ kind: "outgoing", outgoing, ...fresh(rowKey(me, outgoing.clientId), me, outgoing.createdAt) });
  return rows.map(kept);
}

/** `client_id` is unique within a chat and sender. */
const rowKey = (senderId: string, clientId: string) => `${senderId} ${clientId}`;

function fresh(key: string, senderId: string, at: Timestamp): Marks {
  return { key, senderId, at, day: null, unreadLine: false, first: true, last: true };
}

/** The row with this `seq`, by halving; -1 if it is not in memory. */
export function indexOfSeq(rows: readonly TimelineRow[], seq: number): number {
  let low = 0;
  let high = rows.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const found = seqOf(rows[middle]);
    if (found === seq) return middle;
    if (found < seq) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

/** What is not sent comes after everything that is. */
export function seqOf(row: TimelineRow | undefined): number {
  return row?.kind === "message" ? row.message.seq : Number.POSITIVE_INFINITY;
}

/** How the rows on the screen became others. */
export type Change =
  | { kind: "same" }
  /** Some were added before, after, or both; what was there is still there. */
  | { kind: "grown"; before: number; after: number }
  /** Another stretch of history altogether. */
  | { kind: "replaced" };

export function change(old: readonly TimelineRow[], now: readonly TimelineRow[]): Change {
  const first = old[0];
  if (first === undefined) return now.length === 0 ? { kind: "same" } : { kind: "replaced" };
  const before = now.findIndex(({ key }) => key === first.key);
  if (before < 0) return { kind: "replaced" };
  const after = now.length - before - old.length;
  // Rows may go from the end (one that was discarded). Where they come at one end and go at the other, it is another stretch.
  if (before > 0 && after < 0) return { kind: "replaced" };
  return before === 0 && after === 0 ? { kind: "same" } : { kind: "grown", before, after };
}
