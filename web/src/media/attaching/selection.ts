/** Files that are looked at before they are sent. */
import type { Draft } from "@/realtime/realtime";
import { kindOf } from "../files";

export interface Item {
  id: number;
  file: File;
  caption: string;
  /** Sent as it is, for saving, and not as a picture or video. */
  asFile: boolean;
}

export interface Selection {
  items: readonly Item[];
  current: number;
  next: number;
}

export const NOTHING: Selection = { items: [], current: 0, next: 1 };

/** With more files; the first of the new ones is shown if none was. */
export function added(selection: Selection, files: readonly File[]): Selection {
  if (files.length === 0) return selection;
  const fresh = files.map((file, index) => ({
    id: selection.next + index,
    file,
    caption: "",
    asFile: kindOf(file.type) === "document",
  }));
  const items = [...selection.items, ...fresh];
  return {
    items,
    current: selection.items.length === 0 ? selection.next : selection.current,
    next: selection.next + files.length,
  };
}

/** Without one; if it was shown, its neighbour is. */
export function removed(selection: Selection, id: number): Selection {
  const index = selection.items.findIndex((item) => item.id === id);
  if (index === -1) return selection;
  const items = selection.items.filter((item) => item.id !== id);
  const neighbour = items[Math.min(index, items.length - 1)];
  return {
    ...selection,
    items,
    current: selection.current === id ? (neighbour?.id ?? 0) : selection.current,
  };
}

export function changed(
  selection: Selection,
  id: number,
  part: Partial<Pick<Item, "caption" | "asFile">>,
): Selection {
  return {
    ...selection,
    items: selection.items.map((item) => (item.id === id ? { ...item, ...part } : item)),
  };
}

/** The one shown, or its neighbour in either direction; it ends at the ends. */
export function moved(selection: Selection, by: -1 | 1): Selection {
  const index = selection.items.findIndex((item) => item.id === selection.current);
  const there = selection.items[index + by];
  return there === undefined ? selection : { ...selection, current: there.id };
}

export const isWritten = ({ items }: Selection): boolean =>
  items.some(({ caption }) => caption.trim() !== "");

/** The draft with what is written under it. Sound has no captions. */
export function withCaption(draft: Draft, caption: string): Draft {
  const trimmed = caption.trim();
  if (trimmed === "" || draft.type === "audio") return draft;
  return { ...draft, content: { ...draft.content, caption: trimmed } };
}
