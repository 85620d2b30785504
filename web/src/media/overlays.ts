/** What is open over the conversation. Kept apart from messages: those come and go while somebody looks at a picture. */
import { createStore } from "zustand/vanilla";
import type { Draft } from "@/realtime/realtime";

export type OnAttach = (drafts: Draft[]) => void;

/** Between which others a picture is looked at: those that the conversation has in memory, or all that have been shown in the chat. */
export type Neighbours = "conversation" | "shared";

export interface Overlays {
  /** The picture or video that is looked at. */
  viewing: { chatId: string; seq: number; from: Neighbours } | null;
  /** Files about to be sent. */
  choosing: { files: readonly File[]; onAttach: OnAttach } | null;
  /** A place about to be sent. */
  locating: { onAttach: OnAttach } | null;
}

export const overlays = createStore<Overlays>(() => ({ viewing: null, choosing: null, locating: null }));

export const view = (chatId: string, seq: number, from: Neighbours = "conversation"): void =>
  overlays.setState({ viewing: { chatId, seq, from } });

/** Shows files before they are sent; with those that are shown already. */
export function choose(files: readonly File[], onAttach: OnAttach): void {
  if (files.length === 0) return;
  overlays.setState(({ choosing }) => ({
    choosing: { files: [...(choosing?.files ?? []), ...files], onAttach },
  }));
}

export const locateMe = (onAttach: OnAttach): void => overlays.setState({ locating: { onAttach } });

/** Files are held over a part of the page that takes them; `null` when they are not. */
export const dragging = createStore<{ over: DOMRect | null }>(() => ({ over: null }));
