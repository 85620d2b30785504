/** Which of one's own live locations this device feeds, for whoever shows it; kept by `Sharing`, which is loaded when there is one. */
import { createStore } from "zustand/vanilla";
import type { LocatingProblem } from "./locating";

/** Without `seq` as long as its message is on its way. */
export interface Share {
  until: number;
  chatId: string | null;
  seq: number | null;
}

export interface SharingState {
  shares: readonly Share[];
  /** Why no position comes. */
  problem: LocatingProblem | null;
}

export const newSharingState = () => createStore<SharingState>(() => ({ shares: [], problem: null }));
export const sharingState = newSharingState();

export const sharesKey = (userId: string): string => `live-locations:${userId}`;

/** Whether something was begun before a reload. */
export const hasStoredShares = (userId: string): boolean => localStorage.getItem(sharesKey(userId)) !== null;
