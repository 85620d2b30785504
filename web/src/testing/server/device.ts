/** A device of somebody in a test: a client over the simulated server, whose store outlives it. */
import { createRealtime } from "@/realtime/client";
import type { Network } from "@/realtime/network";
import type { Uploader } from "@/realtime/outbox/uploads";
import type { RealtimeClient } from "@/realtime/realtime";
import { MemoryStorage } from "@/realtime/storage/memory";
import type { Storage } from "@/realtime/storage/storage";
import { soloTab, type Tabs } from "@/realtime/tabs/tabs";
import { timedFrames } from "../frames";
import { Holder } from "./holder";
import type { SimulatedServer } from "./server";

export interface DeviceOptions {
  storage?: Storage;
  tabs?: Tabs;
  upload?: Uploader;
  network?: Network;
  keepsNothing?: boolean;
  accessToken?: (refused?: string) => Promise<string>;
}

export class SwitchedNetwork implements Network {
  online = true;
  private readonly listeners = new Set<(online: boolean) => void>();

  onChange(listener: (online: boolean) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  set(online: boolean): void {
    this.online = online;
    for (const listener of [...this.listeners]) listener(online);
  }
}

let ids = 0;

export class Device extends Holder {
  readonly storage: Storage;
  readonly network: SwitchedNetwork = new SwitchedNetwork();
  client: RealtimeClient;

  constructor(
    private readonly server: SimulatedServer,
    readonly userId: string,
    private readonly options: DeviceOptions = {},
  ) {
    super();
    this.storage = options.storage ?? new MemoryStorage();
    this.client = this.make(options.tabs);
  }

  private make(tabs: Tabs | undefined): RealtimeClient {
    const { upload, accessToken } = this.options;
    return createRealtime(this.userId, {
      transport: this.server.transport(),
      network: this.options.network ?? this.network,
      rest: this.server.rest(this.userId),
      storage: this.storage,
      keepsNothing: this.options.keepsNothing ?? false,
      tabs: tabs ?? soloTab(),
      frames: timedFrames,
      accessToken: accessToken ?? (async () => this.userId),
      upload: upload ?? (async () => ({ media_id: "media" })),
      newId: () => {
        ids += 1;
        return `client-${ids}`;
      },
    });
  }

  /** The page is loaded again: what is in memory is gone. */
  async reload(tabs?: Tabs): Promise<void> {
    await this.client.stop();
    this.client = this.make(tabs);
    await this.client.start();
  }
}
