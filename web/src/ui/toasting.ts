/** Short notes at the edge of the page that go by themselves. <Toasts/> shows them. */
import { createStore } from "zustand/vanilla";

export interface ToastOptions {
  action?: { label: string; onPress: () => void };
  /** Something went wrong: it stays longer, and is said at once. */
  error?: boolean;
}

export interface Toast extends ToastOptions {
  id: number;
  text: string;
}

/** More than these at once nobody reads: the oldest go. */
const MOST = 3;
const STAYS_MS = 5_000;
const STAYS_LONG_MS = 10_000;
let next = 1;

export const toasts = createStore<{ shown: readonly Toast[] }>(() => ({ shown: [] }));

export function toast(text: string, options: ToastOptions = {}): void {
  const shown: Toast = { ...options, id: next++, text };
  toasts.setState((state) => ({
    shown: [...state.shown.filter((other) => other.text !== text), shown].slice(-MOST),
  }));
}

export function dismissToast(id: number): void {
  toasts.setState((state) => ({ shown: state.shown.filter((one) => one.id !== id) }));
}

/** How long it is shown; with something to press, longer. */
export function staysMs(shown: Toast): number {
  return shown.action !== undefined || shown.error === true ? STAYS_LONG_MS : STAYS_MS;
}
