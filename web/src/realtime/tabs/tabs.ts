/** Tabs that share one connection: a port. One of them leads, and has the connection; when it is gone another one does. */

export interface Tabs {
  readonly id: string;
  /** Calls back once, when this tab leads. What it returns gives that up, or no longer waits for it. */
  lead(leading: () => void): () => void;
  /** To all other tabs, in order. What is sent must be data: it is copied. */
  send(message: unknown): void;
  listen(listener: (message: unknown) => void): () => void;
  /** Calls back when that tab is gone, however it went. */
  whenGone(tab: string, gone: () => void): void;
  close(): void;
}

/** A tab that shares with nobody: where there are no others, or nothing that they could share. */
export function soloTab(id = "solo"): Tabs {
  return {
    id,
    lead(leading) {
      let waits = true;
      queueMicrotask(() => {
        if (waits) leading();
      });
      return () => {
        waits = false;
      };
    },
    send: () => undefined,
    listen: () => () => undefined,
    whenGone: () => undefined,
    close: () => undefined,
  };
}
