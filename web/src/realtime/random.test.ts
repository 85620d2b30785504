// @vitest-environment node
/** Whatever happens in whatever order: in the end a device has what the server has, and what was written is there once, in order. */
import { describe, expect, test, vi } from "vitest";
import { Chance, randomness } from "@/testing/randomness";
import { Device, SwitchedNetwork } from "@/testing/server/device";
import { SimulatedServer } from "@/testing/server/server";
import { type CrashingStorage, SlowStore } from "@/testing/slowStore";
import { type OpenStore, onATestsClock, STORES } from "@/testing/stores";
import { until } from "@/testing/until";
import { MemoryTabs } from "./tabs/memory";

/** `WALKS=500` for many. */
const SEEDS = Number(process.env.WALKS ?? 8);
const STEPS = 70;
const CHATS = ["c1", "c2"] as const;

onATestsClock();

class Walk extends Chance {
  readonly server = new SimulatedServer();
  readonly store: SlowStore;
  readonly network = new SwitchedNetwork();
  readonly hub = new MemoryTabs();
  readonly sent = new Map<string, string[]>(CHATS.map((id) => [id, []]));
  tabs: { device: Device; storage: CrashingStorage; crash: () => void; close: (() => void)[] }[] = [];
  private count = 0;

  constructor(random: () => number, device: OpenStore) {
    super(random);
    this.store = new SlowStore(device, () => this.below(this.random() < 0.1 ? 100 : 10));
    for (const id of ["ann", "ben", "cleo"]) this.server.addUser(id);
    this.server.addChat("c1", "direct", ["ann", "ben"]);
    this.server.addChat("c2", "group", ["ben", "ann", "cleo"]);
    this.server.latency = () => Math.floor(this.random() * 40);
  }

  async newTab(): Promise<void> {
    const tabs = this.hub.tab();
    const storage = await until(this.store.open());
    const device = new Device(this.server, "ann", { storage, network: this.network, tabs });
    this.tabs.push({ device, storage, crash: tabs.crash, close: [] });
    await until(device.client.start());
  }

  async step(): Promise<void> {
    const { server } = this;
    const chatId = this.pick(CHATS);
    const chat = server.chat(chatId);
    const tab = this.pick(this.tabs);
    const { client } = tab.device;
    switch (this.below(16)) {
      case 0:
      case 1:
      case 2:
        server.say("ben", chatId, `ben ${this.count++}`);
        break;
      case 3:
        for (let index = this.below(130); index > 0; index -= 1)
          server.say("ben", chatId, `ben ${this.count++}`);
        break;
      case 4:
        if (chat.messages.length > 0)
          server.edit(chatId, 1 + this.below(chat.messages.length), `edit ${this.count++}`);
        break;
      case 5:
        if (chat.messages.length > 0) {
          const seq = 1 + this.below(chat.messages.length);
          if (!chat.messages[seq - 1]?.deleted) server.delete(chatId, seq);
        }
        break;
      case 6:
      case 7:
      case 8: {
        const text = `ann ${this.count++}`;
        this.sent.get(chatId)?.push(text);
        await until(tab.device.send(chatId, text));
        break;
      }
      case 9:
        this.network.set(this.random() < 0.5);
        break;
      case 10:
        server.cut();
        break;
      case 11:
        if (this.tabs.length > 1) {
          this.tabs.splice(this.tabs.indexOf(tab), 1);
          // Without a word: nothing of what it was doing goes on.
          tab.storage.crash();
          tab.crash();
          if (tab.device.state.leading) server.cut();
          void client.stop();
        } else if (this.random() < 0.7) await this.newTab();
        break;
      case 12:
        tab.close.push(client.openChat(chatId));
        break;
      case 13:
        for (const close of tab.close.splice(0)) close();
        break;
      case 14:
        if (tab.device.state.histories.has(chatId)) {
          void client.loadOlder(chatId);
          if (chat.messages.length > 0 && this.random() < 0.3)
            void client.loadAround(chatId, 1 + this.below(chat.messages.length));
        }
        break;
      case 15:
        if (chat.messages.length > 0) client.markRead(chatId, 1 + this.below(chat.messages.length));
        break;
    }
    const trouble = this.random();
    server.repeats = () => this.random() < 0.2;
    server.restFault = () => (this.random() < trouble / 3 ? "unavailable" : null);
    server.sendFault = () => {
      const what = this.random();
      if (what < trouble * 0.2) return "cut";
      if (what < trouble * 0.3) return "queued";
      return what < trouble * 0.4 ? { code: "unavailable" } : null;
    };
    if (this.random() < 0.3) server.deliverQueued();
    await vi.advanceTimersByTimeAsync(this.below(this.random() < 0.1 ? 20_000 : 300));
    this.checkHoles();
  }

  checkHoles(): void {
    for (const { device } of this.tabs)
      for (const { messages } of device.state.histories.values())
        for (let index = 1; index < messages.length; index += 1)
          expect(messages[index]?.seq).toBe((messages[index - 1]?.seq ?? 0) + 1);
  }

  async settle(): Promise<void> {
    const { server } = this;
    server.repeats = () => false;
    server.restFault = () => null;
    server.sendFault = () => null;
    this.network.set(true);
    for (let round = 0; round < 6; round += 1) {
      server.deliverQueued();
      await vi.advanceTimersByTimeAsync(60_000);
    }
  }

  async check(): Promise<void> {
    for (const { device } of this.tabs) {
      expect(device.state.connection).toEqual({ status: "online" });
      for (const chatId of CHATS) {
        const chat = this.server.chat(chatId);
        device.client.openChat(chatId);
        void device.client.loadNewest(chatId);
        await vi.advanceTimersByTimeAsync(2_000);
        for (let page = 0; device.history(chatId).hasOlder && page < 200; page += 1) {
          void device.client.loadOlder(chatId);
          await vi.advanceTimersByTimeAsync(500);
        }
        const history = device.history(chatId);
        expect(history.messages).toEqual(chat.messages);
        expect(history.outgoing).toEqual([]);
        expect(history.hasNewer).toBe(false);
        const own = chat.messages.filter((message) => message.sender_id === "ann");
        const written = this.sent.get(chatId) ?? [];
        expect(own.length).toBe(written.length);
        const view = chat.view("ann");
        const { unread, last_message, last_seq, rev } = device.chat(chatId);
        expect({ unread, last_message, last_seq, rev }).toEqual({
          unread: view.unread,
          last_message: view.last_message,
          last_seq: view.last_seq,
          rev: view.rev,
        });
      }
    }
  }
}

const seeds = Array.from({ length: SEEDS }, (_, index) => index + 1);

describe.each(STORES)("%s", (_, device) => {
  test.each(seeds)("walk %i", { timeout: 60_000 }, async (seed) => {
    const random = randomness(seed);
    vi.spyOn(Math, "random").mockImplementation(random);
    const walk = new Walk(random, device());
    await walk.newTab();
    // Own messages are neither edited nor deleted before it is known in which order they came.
    const order = new Map<string, string[]>(CHATS.map((id) => [id, []]));
    const append = walk.server.append.bind(walk.server);
    vi.spyOn(walk.server, "append").mockImplementation((userId, chat, message) => {
      if (userId === "ann") order.get(chat.id)?.push((message.content as { text: string }).text);
      return append(userId, chat, message);
    });
    for (let step = 0; step < STEPS; step += 1) await walk.step();
    await walk.settle();
    expect(order).toEqual(walk.sent);
    await walk.check();
    for (const { device } of walk.tabs) await until(device.client.stop());
  });
});
