/** What can be done with a message, for its menu, its toolbar and its keys. */
import {
  Copy,
  CornerUpLeft,
  Forward,
  Info,
  type LucideIcon,
  Pencil,
  RotateCw,
  Trash2,
  X,
} from "lucide-react";
import type { Chat } from "@/realtime/realtime";
import { isForwardable } from "./forwarding";
import { mayDelete, mayEdit, maySeeReceipts, maySend } from "./permissions";
import type { TimelineRow } from "./timeline";

export const ACTIONS = ["reply", "copy", "edit", "forward", "info", "delete", "retry", "discard"] as const;
export type Action = (typeof ACTIONS)[number];

export const ICONS: Record<Action, LucideIcon> = {
  reply: CornerUpLeft,
  copy: Copy,
  edit: Pencil,
  forward: Forward,
  info: Info,
  delete: Trash2,
  retry: RotateCw,
  discard: X,
};

/** Keys on a focused message, by `KeyboardEvent.code`: the same places on every keyboard. */
export const KEYS: Readonly<Record<string, Action>> = {
  KeyR: "reply",
  KeyC: "copy",
  KeyE: "edit",
  KeyF: "forward",
  KeyI: "info",
  Delete: "delete",
  Backspace: "delete",
};

/** @param blocked whether nobody may write here at the moment */
export function actionsFor(row: TimelineRow, chat: Chat, me: string, blocked: boolean): Action[] {
  if (row.kind === "outgoing") {
    const { status, draft } = row.outgoing;
    const actions: Action[] = draft.type === "text" ? ["copy"] : [];
    if (status === "failed") actions.unshift("retry");
    return [...actions, "discard"];
  }
  const { message } = row;
  if (message.deleted === true || message.type === "system") return [];
  const offered: Record<Action, boolean> = {
    reply: maySend(chat) && !blocked,
    copy: textOf(row) !== null,
    edit: mayEdit(chat, message, me) && !blocked,
    forward: isForwardable(message),
    info: maySeeReceipts(chat, message, me),
    delete: mayDelete(chat, message, me),
    retry: false,
    discard: false,
  };
  return ACTIONS.filter((action) => offered[action]);
}

/** What is copied: the text or caption, as it was written. */
export function textOf(row: TimelineRow): string | null {
  const content: Record<string, unknown> =
    row.kind === "message" ? (row.message.content as Record<string, unknown>) : row.outgoing.draft.content;
  const text = content.text ?? content.caption;
  return typeof text === "string" && text !== "" ? text : null;
}
