/** Tabs of a browser: whoever holds the lock leads (the browser lets go of it when a tab is closed or crashes), and they talk over a channel. */
import { soloTab, type Tabs } from "../tabs/tabs";
import { newId } from "./newId";

export function browserTabs(userId: string): Tabs {
  const id = newId();
  if (!("locks" in navigator) || typeof BroadcastChannel === "undefined") return soloTab(id);
  const channel = new BroadcastChannel(`realtime-${userId}`);
  const own = new AbortController();
  const tabLock = (tab: string) => `realtime-tab-${tab}`;
  hold(tabLock(id), own.signal, () => undefined);
  return {
    id,
    lead(leading) {
      const end = new AbortController();
      hold(`realtime-leader-${userId}`, end.signal, leading);
      return () => end.abort();
    },
    send: (message) => channel.postMessage(message),
    listen(listener) {
      const heard = (event: MessageEvent) => listener(event.data);
      channel.addEventListener("message", heard);
      return () => channel.removeEventListener("message", heard);
    },
    whenGone(tab, gone) {
      void navigator.locks.request(tabLock(tab), () => gone());
    },
    close() {
      own.abort();
      channel.close();
    },
  };
}

/** Waits for a lock and holds it until the signal. */
function hold(name: string, signal: AbortSignal, held: () => void): void {
  navigator.locks
    .request(name, { signal }, () => {
      held();
      return new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    })
    .catch((error: unknown) => {
      // Given up before it was had.
      if (!(error instanceof DOMException && error.name === "AbortError")) throw error;
    });
}
