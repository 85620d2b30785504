/**
 * Sharing one's position as it changes, from this device: what was begun here goes on here, over reloads, until its time is over or it is stopped,
 * from whichever device. Messages are the record: what is remembered here is only which of one's own live locations this device feeds.
 */
import type { StoreApi } from "zustand/vanilla";
import { type DomainEvent, type RealtimeClient, RealtimeError } from "@/realtime/realtime";
import type { MessageView } from "@/types/socket";
import { place } from "../content";
import { type Fix, type LocatingProblem, watch } from "./locating";
import { type Share, type SharingState, sharesKey, sharingState } from "./shares";
import { Throttle } from "./throttle";

export interface Ports {
  storage: Pick<Storage, "getItem" | "setItem" | "removeItem">;
  now: () => number;
  watch: typeof watch;
  /** Runs `hold` when no other tab of this browser does, for as long as its promise lasts. */
  alone: (hold: () => Promise<void>, signal: AbortSignal) => void;
}

/** Positions are sent so often at most. */
export const EVERY_MS = 5_000;
/** Refusals after which there is nothing to feed any more. */
const OVER = new Set(["conflict", "not_found", "forbidden", "invalid"]);

export class Sharing {
  private readonly end = new AbortController();
  private lastFix: Fix | null = null;
  private readonly feeds = new Map<string, Throttle<Fix>>();
  private unwatch: (() => void) | null = null;
  private release: (() => void) | null = null;
  private again: ReturnType<typeof setTimeout> | null = null;
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor(
    private readonly client: RealtimeClient,
    private readonly userId: string,
    private readonly state: StoreApi<SharingState>,
    private readonly ports: Ports,
  ) {}

  /** Takes up what was begun before a reload. */
  async start(): Promise<void> {
    const stop = this.client.subscribe((event) => this.heard(event));
    this.end.signal.addEventListener("abort", stop);
    this.keep(stored(this.ports.storage.getItem(this.key)).filter((share) => share.until > this.ports.now()));
    this.lookAround();
    await Promise.all(this.state.getState().shares.map((share) => this.check(share)));
  }

  /** A message with this `live_until` is about to be sent from here. */
  expect(until: number): void {
    this.keep([...this.state.getState().shares, { until, chatId: null, seq: null }]);
  }

  /** @throws RealtimeError */
  async stop(chatId: string, seq: number): Promise<void> {
    await this.client.stopLocation(chatId, seq);
    this.drop(chatId, seq);
  }

  /** What is remembered stays, for the next time. */
  close(): void {
    this.end.abort();
    this.silence();
    if (this.timer !== null) clearTimeout(this.timer);
    this.state.setState({ shares: [], problem: null });
  }

  private get key(): string {
    return sharesKey(this.userId);
  }

  private heard(event: DomainEvent): void {
    if (event.name === "MESSAGE_SENT" || event.name === "MESSAGE_EDITED" || event.name === "MESSAGE_DELETED")
      this.saw(event.payload.message);
  }

  /** A message that was sent before this listened is in a history, or is a chat's last. */
  private lookAround(): void {
    const { histories, chats } = this.client.state.getState();
    for (const { messages } of histories.values()) for (const message of messages) this.saw(message);
    for (const { last_message } of chats.values()) if (last_message) this.saw(last_message);
  }

  private saw(message: MessageView): void {
    if (message.sender_id !== this.userId || message.type !== "location") return;
    const until = message.deleted
      ? null
      : (place(message.content as Record<string, unknown>)?.liveUntil ?? null);
    const { shares } = this.state.getState();
    const known = shares.find((share) => share.chatId === message.chat_id && share.seq === message.seq);
    if (known !== undefined) {
      if (until !== known.until) this.drop(message.chat_id, message.seq);
      return;
    }
    const awaited = shares.find((share) => share.seq === null && share.until === until);
    if (awaited === undefined) return;
    const found = { ...awaited, chatId: message.chat_id, seq: message.seq };
    this.keep(shares.map((share) => (share === awaited ? found : share)));
    if (this.lastFix !== null) this.moved(this.lastFix);
  }

  private async check({ chatId, seq }: Share): Promise<void> {
    if (chatId === null || seq === null) return;
    const message = await this.client.message(chatId, seq).catch((error: unknown) => {
      // Not known yet whether it goes on: the server says so with the next position.
      if (error instanceof RealtimeError) return undefined;
      throw error;
    });
    if (message === null) this.drop(chatId, seq);
    else if (message !== undefined) this.saw(message);
  }

  private drop(chatId: string, seq: number): void {
    this.keep(this.state.getState().shares.filter((share) => share.chatId !== chatId || share.seq !== seq));
  }

  private keep(shares: readonly Share[]): void {
    if (this.end.signal.aborted) return;
    this.state.setState({ shares });
    if (shares.length === 0) this.ports.storage.removeItem(this.key);
    else this.ports.storage.setItem(this.key, JSON.stringify(shares));
    this.waitForEnd();
    if (shares.length === 0) this.silence();
    else if (this.release === null) this.listen();
  }

  private waitForEnd(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    const ends = this.state.getState().shares.map((share) => share.until);
    if (ends.length === 0) return;
    const first = Math.min(...ends);
    // At most a day, and no timer is longer than that.
    this.timer = setTimeout(
      () => this.keep(this.state.getState().shares.filter((share) => share.until > this.ports.now())),
      Math.max(0, first - this.ports.now()),
    );
  }

  /** One tab of a browser is enough. */
  private listen(): void {
    const held = new Promise<void>((resolve) => {
      this.release = resolve;
    });
    this.ports.alone(async () => {
      if (this.release === null) return;
      this.look();
      await held;
    }, this.end.signal);
  }

  private look(): void {
    this.unwatch?.();
    this.unwatch = this.ports.watch(
      (fix) => this.moved(fix),
      (problem) => this.lost(problem),
    );
  }

  /** Some browsers go on looking after they have failed, some do not: they are asked again, unless it is their user who does not want it. */
  private lost(problem: LocatingProblem): void {
    this.state.setState({ problem });
    if (problem === "denied" || problem === "unsupported" || this.again !== null) return;
    this.again = setTimeout(() => {
      this.again = null;
      if (this.unwatch !== null && this.state.getState().problem !== null) this.look();
    }, EVERY_MS);
  }

  private silence(): void {
    if (this.again !== null) clearTimeout(this.again);
    this.again = null;
    this.unwatch?.();
    this.unwatch = null;
    this.lastFix = null;
    this.release?.();
    this.release = null;
    for (const feed of this.feeds.values()) feed.end();
    this.feeds.clear();
    this.state.setState({ problem: null });
  }

  private moved(fix: Fix): void {
    this.lastFix = fix;
    this.state.setState({ problem: null });
    for (const { chatId, seq, until } of this.state.getState().shares) {
      if (chatId === null || seq === null || until <= this.ports.now()) continue;
      const key = feedKey(chatId, seq);
      const feed =
        this.feeds.get(key) ?? new Throttle<Fix>(EVERY_MS, (at) => void this.send(chatId, seq, at));
      this.feeds.set(key, feed);
      feed.offer(fix);
    }
  }

  private async send(chatId: string, seq: number, fix: Fix): Promise<void> {
    try {
      await this.client.updateLocation(chatId, seq, fix);
    } catch (error) {
      if (!(error instanceof RealtimeError)) throw error;
      if (OVER.has(error.code)) this.drop(chatId, seq);
      // Without a connection: whoever stands still is told of no other position.
      else if (this.lastFix === fix) this.feeds.get(feedKey(chatId, seq))?.offer(fix);
    }
  }
}

const feedKey = (chatId: string, seq: number) => `${chatId}/${seq}`;

function stored(text: string | null): Share[] {
  try {
    const value: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(value) ? value.filter(isShare) : [];
  } catch {
    return [];
  }
}

function isShare(value: unknown): value is Share {
  const share = value as Partial<Share> | null;
  return typeof share?.until === "number" && share.chatId !== undefined && share.seq !== undefined;
}

export const browserPorts: Ports = {
  storage: globalThis.localStorage,
  now: Date.now,
  watch,
  alone(hold, signal) {
    // A page that came without TLS has no locks, and no positions either that two tabs could both send.
    if (navigator.locks === undefined) {
      void hold();
      return;
    }
    navigator.locks.request("share-location", { signal }, hold).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  },
};

const running = new WeakMap<RealtimeClient, Sharing>();

/** The sharing of whoever is signed in; begun with the first that asks. */
export function sharingOf(client: RealtimeClient, userId: string): Sharing {
  const there = running.get(client);
  if (there !== undefined) return there;
  const sharing = new Sharing(client, userId, sharingState, browserPorts);
  running.set(client, sharing);
  void sharing.start();
  return sharing;
}

/** Whoever was signed in is not any more. */
export function endSharing(client: RealtimeClient): void {
  running.get(client)?.close();
  running.delete(client);
}
