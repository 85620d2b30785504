/** The realtime client of a browser: everything real. */
import { accessToken } from "@/auth/session";
import { createRealtime } from "../client";
import type { Uploader } from "../outbox/uploads";
import type { RealtimeClient, UserId } from "../realtime";
import { MemoryStorage } from "../storage/memory";
import { type Storage, StorageError } from "../storage/storage";
import { soloTab } from "../tabs/tabs";
import { phoenixTransport } from "../transport/phoenix";
import { browserFrames } from "./frames";
import { openIndexedDb } from "./indexedDb";
import { browserNetwork } from "./network";
import { newId } from "./newId";
import { browserRest } from "./rest";
import { browserTabs } from "./tabs";

export interface BrowserOptions {
  /** Who is signed in. */
  userId: UserId;
  /** What uploads attachments. */
  upload: Uploader;
}

export async function createBrowserRealtime({ userId, upload }: BrowserOptions): Promise<RealtimeClient> {
  const storage = await keptStorage(userId);
  return createRealtime(userId, {
    transport: phoenixTransport("/socket"),
    network: browserNetwork,
    rest: browserRest,
    storage: storage ?? new MemoryStorage(),
    keepsNothing: storage === null,
    // Tabs that keep nothing in common have nothing to share.
    tabs: storage === null ? soloTab() : browserTabs(userId),
    frames: browserFrames,
    accessToken,
    upload,
    newId,
  });
}

/** `null` where the browser keeps nothing: what there is then is memory, and the interface says so. */
async function keptStorage(userId: string): Promise<Storage | null> {
  try {
    const storage = await openIndexedDb(userId);
    // Against being cleared when the disk runs full; whether it is granted changes nothing.
    void navigator.storage?.persist?.();
    return storage;
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    return null;
  }
}
