/** What a device may keep its data in, for suites that run over each: a way to open the same store again and again, as several tabs do. */
import "fake-indexeddb/auto";
import { afterEach, beforeEach, vi } from "vitest";
import { openIndexedDb } from "@/realtime/browser/indexedDb";
import { MemoryStorage } from "@/realtime/storage/memory";
import type { Storage } from "@/realtime/storage/storage";

export type OpenStore = () => Promise<Storage>;

/** Promises that follow from an answer of the database, before it may end a transaction to which nothing more is asked. */
const HOPS = 20;

/** Every test of the file has a clock of its own, by which a store answers at once. */
export function onATestsClock(): void {
  beforeEach(() => {
    vi.useFakeTimers();
    answerAtOnce();
  });
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });
}

/**
 * Has the database in memory do its work without a timer for each step of it: under `vi.useFakeTimers` one costs a millisecond of real time. What is
 * asked is answered in the same moment of the test's clock. `vi.unstubAllGlobals` undoes it.
 */
function answerAtOnce(): void {
  const later = (hops: number, act: () => void): void =>
    queueMicrotask(() => (hops === 0 ? act() : later(hops - 1, act)));
  vi.stubGlobal("setImmediate", (act: () => void) => later(HOPS, act));
}

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
