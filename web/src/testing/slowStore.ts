/**
 * A store that takes a while, as a browser's does: what is asked is done one after the other, in the order in which it was asked, whichever tab asks.
 * `crash` ends a tab's part in it: what it has asked and what is not done yet never is.
 */
import type { Storage } from "@/realtime/storage/storage";
import type { OpenStore } from "./stores";

export interface CrashingStorage extends Storage {
  crash(): void;
}

export class SlowStore {
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly device: OpenStore,
    private readonly latencyMs: () => number,
  ) {}

  async open(): Promise<CrashingStorage> {
    const storage = await this.device();
    let isGone = false;
    const later = <T>(act: () => Promise<T>): Promise<T> => {
      const turn = this.last.then(async () => {
        await new Promise((resolve) => setTimeout(resolve, this.latencyMs()));
        return isGone ? null : { done: await act() };
      });
      this.last = turn.catch(() => undefined);
      return new Promise((resolve, reject) => {
        turn.then((outcome) => outcome !== null && resolve(outcome.done), reject);
      });
    };
    return {
      load: () => later(() => storage.load()),
      write: (batch) => later(() => storage.write(batch)),
      messages: (chatId, from, to) => later(() => storage.messages(chatId, from, to)),
      newest: (chatId, limit) => later(() => storage.newest(chatId, limit)),
      prune: (chatId, keep) => later(() => storage.prune(chatId, keep)),
      clear: () => later(() => storage.clear()),
      close: () => storage.close(),
      crash: () => {
        isGone = true;
      },
    };
  }
}
