// @vitest-environment node
/**
 * Whatever is done with an open chat's history, and whatever happens meanwhile: what is shown is a part of the server's history without a hole and
 * without a repeat, no message of it ever goes back to an older state, and as soon as there is quiet it is exactly as the server has it.
 */
import { describe, expect, test, vi } from "vitest";
import { Chance, randomness } from "@/testing/randomness";
import { Device, SwitchedNetwork } from "@/testing/server/device";
import { SimulatedServer } from "@/testing/server/server";
import { type CrashingStorage, SlowStore } from "@/testing/slowStore";
import { type OpenStore, onATestsClock, STORES } from "@/testing/stores";
import { until } from "@/testing/until";
import type { MessageView } from "@/types/socket";
import { LONGEST_GAP } from "../feed/joining";
import { MemoryTabs } from "../tabs/memory";

/** `WALKS=500` for many, `WALK=17` for one. */
const WALKS = Number(process.env.WALKS ?? 6);
const ONLY = process.env.WALK;
const STEPS = 60;
const CHATS = ["c1", "c2"] as const;

interface Tab {
  device: Device;
  storage: CrashingStorage;
  crash(): void;
  close: [chatId: string, close: () => void][];
  /** The greatest rev of each message that has been shown since its chat was opened. */
  shown: Map<string, number>;
}

class Walk extends Chance {
  readonly log: string[] = [];
  readonly tabs: Tab[] = [];
  private readonly server = new SimulatedServer();
  private readonly network = new SwitchedNetwork();
  private readonly hub = new MemoryTabs();
  private readonly store: SlowStore;
  /** Every state that a message has been in. */
  private readonly states = new Map<string, MessageView>();
  private count = 0;

  constructor(random: () => number, device: OpenStore) {
    super(random);
    const { server } = this;
    this.store = new SlowStore(device, () => this.below(this.random() < 0.1 ? 200 : 20));
    for (const id of ["ann", "ben", "cleo"]) server.addUser(id);
    server.addChat("c1", "direct", ["ann", "ben"]);
    server.addChat("c2", "group", ["ben", "ann", "cleo"]);
    server.latency = () => this.below(this.random() < 0.05 ? 3_000 : 40);
    for (const chatId of CHATS) this.say(chatId, this.below(400));
  }

  // -- what others do ----------------------------------------------------------------------------------------------

  private noted(message: MessageView): void {
    this.states.set(`${message.chat_id}/${message.seq}/${message.rev}`, message);
  }

  private say(chatId: string, count: number): void {
    for (let index = 0; index < count; index += 1)
      this.noted(this.server.say("ben", chatId, `line ${this.count++}`));
  }

  private change(chatId: string): void {
    const { messages } = this.server.chat(chatId);
    const seq = 1 + this.below(messages.length);
    const message = messages[seq - 1];
    if (message === undefined || message.deleted) return;
    this.noted(
      this.random() < 0.3
        ? this.server.delete(chatId, seq)
        : this.server.edit(chatId, seq, `edit ${this.count++}`),
    );
  }

  /** So much is missed that the device reads its histories anew. */
  private missMuch(chatId: string): void {
    this.network.set(false);
    for (let index = 0; index <= LONGEST_GAP; index += 1) this.server.chat(chatId).change();
    for (let index = this.below(10); index > 0; index -= 1) this.change(chatId);
    this.say(chatId, this.below(3));
    this.network.set(true);
  }

  private isMember(chatId: string): boolean {
    return this.server.chat(chatId).members.has("ann");
  }

  // -- tabs --------------------------------------------------------------------------------------------------------

  async newTab(): Promise<void> {
    const tabs = this.hub.tab();
    const storage = await until(this.store.open());
    const device = new Device(this.server, "ann", { storage, network: this.network, tabs });
    this.tabs.push({ device, storage, crash: tabs.crash, close: [], shown: new Map() });
    await until(device.client.start());
  }

  private async leave(tab: Tab): Promise<void> {
    this.tabs.splice(this.tabs.indexOf(tab), 1);
    if (this.random() < 0.5) await until(tab.device.client.stop());
    else this.crash(tab);
  }

  async end(): Promise<void> {
    for (const { device } of this.tabs) await until(device.client.stop());
  }

  /** Without a word: nothing of what it was doing goes on. */
  private crash(tab: Tab): void {
    tab.storage.crash();
    tab.crash();
    if (tab.device.state.leading) this.server.cut();
    void tab.device.client.stop();
  }

  // -- steps -------------------------------------------------------------------------------------------------------

  async step(): Promise<void> {
    const { server } = this;
    const chatId = this.pick(CHATS);
    const tab = this.pick(this.tabs);
    const [what, act] = this.choose(chatId, tab);
    this.log.push(what);
    await act();
    const trouble = this.random();
    server.repeats = () => this.random() < 0.2;
    server.restFault = () => (this.random() < trouble / 3 ? "unavailable" : null);
    await this.pass(this.below(this.random() < 0.1 ? 20_000 : 200));
  }

  private choose(chatId: string, tab: Tab): [string, () => unknown] {
    const { server } = this;
    const { client, state } = tab.device;
    const about = `${chatId} in tab ${this.tabs.indexOf(tab)}`;
    const seq = 1 + this.below(Math.max(1, server.chat(chatId).messages.length));
    const draw = this.random();
    switch (this.below(20)) {
      case 0:
      case 1:
        return [`say in ${chatId}`, () => this.say(chatId, 1)];
      case 2:
        return [`flood ${chatId}`, () => this.say(chatId, this.below(130))];
      case 3:
      case 4:
      case 5:
        return [
          `change ${chatId}`,
          () => {
            for (let index = this.below(6); index >= 0; index -= 1) this.change(chatId);
          },
        ];
      case 6:
        return [
          `close all in tab ${this.tabs.indexOf(tab)}`,
          () => {
            for (const [, close] of tab.close.splice(0)) close();
            tab.shown.clear();
          },
        ];
      case 7:
        return ["cut", () => server.cut()];
      case 8:
        return [`network ${draw < 0.5}`, () => this.network.set(draw < 0.5)];
      case 9:
        if (this.tabs.length > 1)
          return [
            `leave tab ${this.tabs.indexOf(tab)}, which leads: ${state.leading}`,
            () => this.leave(tab),
          ];
        return draw < 0.7 ? ["new tab", () => this.newTab()] : ["nothing", () => undefined];
      case 10:
        if (draw < 0.3) return [`miss much of ${chatId}`, () => this.missMuch(chatId)];
        if (draw < 0.6) {
          const role = this.isMember("c2") ? null : "member";
          return [`member ${role}`, () => server.setMember("c2", "ann", role, "ben")];
        }
        return [`prune ${chatId}`, () => void tab.storage.prune(chatId, this.below(200))];
      case 11:
        return ["quiet", () => this.quiet()];
    }
    if (!state.histories.has(chatId))
      return [`open ${about}`, () => tab.close.push([chatId, client.openChat(chatId)])];
    switch (this.below(6)) {
      case 0:
      case 1:
        return [`older ${about}`, () => void client.loadOlder(chatId)];
      case 2:
        return [`newer ${about}`, () => void client.loadNewer(chatId)];
      case 3:
      case 4:
        return [`around ${seq} ${about}`, () => void client.loadAround(chatId, seq)];
      default:
        return [`newest ${about}`, () => void client.loadNewest(chatId)];
    }
  }

  private async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 50) {
      await vi.advanceTimersByTimeAsync(Math.min(50, left));
      this.checkShown();
    }
  }

  /** Everything that is under way comes to its end. */
  async quiet(): Promise<void> {
    this.server.repeats = () => false;
    this.server.restFault = () => null;
    this.network.set(true);
    await vi.advanceTimersByTimeAsync(120_000);
    this.checkShown();
    for (const { device } of this.tabs) {
      expect(device.state.connection).toEqual({ status: "online" });
      for (const [chatId, history] of device.state.histories) {
        const { messages } = this.server.chat(chatId);
        if (!this.isMember(chatId)) continue;
        const first = history.messages[0]?.seq ?? 1;
        const shown = history.messages.length;
        expect(history.messages).toEqual(messages.slice(first - 1, first - 1 + shown));
        expect(history.loading).toBe(false);
        if (messages.length > 0) expect(shown).toBeGreaterThan(0);
        expect(history.hasNewer).toBe(first - 1 + shown < messages.length);
      }
    }
  }

  private checkShown(): void {
    for (const { device, shown } of this.tabs)
      for (const [chatId, { messages, hasOlder }] of device.state.histories) {
        const first = messages[0]?.seq ?? 1;
        if (messages.length > 0) expect(hasOlder).toBe(first > 1);
        messages.forEach((message, index) => {
          const key = `${chatId}/${message.seq}`;
          if (message.seq !== first + index)
            throw new Error(`${key} is shown in the place of ${first + index}`);
          if (message.rev < (shown.get(key) ?? 0)) throw new Error(`${key} has gone back in time`);
          if (shown.get(key) !== message.rev)
            expect(message).toEqual(this.states.get(`${key}/${message.rev}`));
          shown.set(key, message.rev);
        });
      }
  }

  /** Asked for, any part, and all of it, is what the server has. */
  async checkAsked(): Promise<void> {
    for (const { device } of this.tabs)
      for (const chatId of CHATS.filter((id) => this.isMember(id))) {
        const { messages } = this.server.chat(chatId);
        const { client } = device;
        client.openChat(chatId);
        await vi.advanceTimersByTimeAsync(10_000);
        await until(client.loadNewest(chatId));
        expect(device.history(chatId).messages.at(-1)).toEqual(messages.at(-1));
        const seq = 1 + this.below(messages.length);
        await until(client.loadAround(chatId, seq));
        expect(device.history(chatId).messages.find((each) => each.seq === seq)).toEqual(messages[seq - 1]);
        for (let page = 0; device.history(chatId).hasNewer && page < 300; page += 1)
          await until(client.loadNewer(chatId));
        for (let page = 0; device.history(chatId).hasOlder && page < 300; page += 1)
          await until(client.loadOlder(chatId));
        expect(device.history(chatId).messages).toEqual(messages);
        expect(device.history(chatId).hasNewer).toBe(false);
      }
  }
}

onATestsClock();

const seeds = ONLY === undefined ? Array.from({ length: WALKS }, (_, index) => index + 1) : [Number(ONLY)];

describe.each(STORES)("%s", (_, device) => {
  test.each(seeds)("walk %i", { timeout: 60_000 }, async (seed) => {
    const random = randomness(seed);
    vi.spyOn(Math, "random").mockImplementation(random);
    const walk = new Walk(random, device());
    try {
      await walk.newTab();
      for (let step = 0; step < STEPS; step += 1) await walk.step();
      await walk.quiet();
      await walk.checkAsked();
    } catch (error) {
      throw new Error(`after: ${walk.log.slice(-12).join("; ")}`, { cause: error });
    }
    await walk.end();
  });
});
