import type { RefObject } from "react";
import type { Draft } from "@/realtime/realtime";

/** Takes in files that are dropped on, or pasted into, an element. */
export function useDropAndPaste(
  _ref: RefObject<HTMLElement | null>,
  _onAttach: (drafts: Draft[]) => void,
): void {}
