/** What a device may keep its data in, for suites that run over each: a way to open the same store again and again, as several tabs do. */
import "fake-indexeddb/auto";
import { openIndexedDb } from "@/realtime/browser/indexedDb";
import { MemoryStorage } from "@/realtime/storage/memory";
import type { Storage } from "@/realtime/storage/storage";

export type OpenStore = () => Promise<Storage>;

let devices = 0;

function inMemory(): OpenStore {
  const storage = new MemoryStorage();
  return async () => storage;
}

function inIndexedDb(): OpenStore {
  devices += 1;
  const userId = `device-${devices}`;
  return () => openIndexedDb(userId);
}

/** Each makes the store of a new device, with nothing in it. */
export const STORES: readonly [string, () => OpenStore][] = [
  ["in memory", inMemory],
  ["in IndexedDB", inIndexedDb],
];
