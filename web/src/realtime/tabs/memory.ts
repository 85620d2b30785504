/** Tabs in one process, for tests: what they send is copied and comes later, as between real ones; `crash` ends one without a word. */
import type { Tabs } from "./tabs";

interface MemoryTab extends Tabs {
  crash(): void;
}

export class MemoryTabs {
  private readonly tabs = new Map<string, Set<(message: unknown) => void>>();
  private readonly queue: { id: string; leading: () => void }[] = [];
  private readonly mourners: { tab: string; gone: () => void }[] = [];
  private count = 0;

  tab(): MemoryTab {
    this.count += 1;
    const id = `tab-${this.count}`;
    const listeners = new Set<(message: unknown) => void>();
    this.tabs.set(id, listeners);
    const end = () => {
      if (!this.tabs.delete(id)) return;
      listeners.clear();
      this.leave(id);
      for (const { tab, gone } of [...this.mourners]) if (tab === id) queueMicrotask(gone);
    };
    return {
      id,
      lead: (leading) => {
        this.queue.push({ id, leading });
        if (this.queue.length === 1) queueMicrotask(() => this.next());
        return () => this.leave(id);
      },
      send: (message) => {
        if (!this.tabs.has(id)) return;
        for (const [other, theirs] of this.tabs) {
          if (other === id) continue;
          const copy = structuredClone(message);
          queueMicrotask(() => {
            for (const listener of theirs) listener(copy);
          });
        }
      },
      listen: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      whenGone: (tab, gone) => {
        if (this.tabs.has(tab)) this.mourners.push({ tab, gone });
        else queueMicrotask(gone);
      },
      close: end,
      crash: end,
    };
  }

  private leave(id: string): void {
    const index = this.queue.findIndex((each) => each.id === id);
    if (index < 0) return;
    this.queue.splice(index, 1);
    if (index === 0) queueMicrotask(() => this.next());
  }

  private next(): void {
    this.queue[0]?.leading();
  }
}
