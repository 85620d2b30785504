/**
 * Chats that are on the screen of some tab: their topics are joined while there is a connection, and joined again when the server drops one. Who is
 * there, who types and where people are comes from them. Sharing one's live location holds a topic too, for a while after each position.
 */
import { Presence } from "phoenix";
import type { ChatEvents } from "@/types/socket";
import { ASKING, isRetryable, pauseMs } from "../backoff";
import type { Board } from "../board";
import { type ChatId, RealtimeError, type UserId } from "../realtime";
import type { Connection, Topic } from "../transport/transport";
import { OthersTyping, OwnTyping } from "./typing";

/** How long a topic stays joined after the last position that was shared on it. */
const SHARING_MS = 60_000;

type Present = Record<UserId, { metas: { phx_ref: string }[] }>;

interface Open {
  /** Who holds it: tabs, or `sharing`. */
  holders: Set<string>;
  topic: Topic | null;
  joined: boolean;
  present: Present | null;
  pending: ChatEvents["presence_diff"][];
  failures: number;
  timer: ReturnType<typeof setTimeout> | null;
  sharing: ReturnType<typeof setTimeout> | null;
  waiting: ((topic: Topic | RealtimeError) => void)[];
}

export class OpenChats {
  readonly othersTyping: OthersTyping;
  private readonly ownTyping = new OwnTyping((chatId, state) => this.tellTyping(chatId, state));
  private readonly open = new Map<ChatId, Open>();
  private connection: Connection | null = null;

  constructor(
    private readonly ownId: UserId,
    private readonly board: Board,
  ) {
    this.othersTyping = new OthersTyping(board);
  }

  hold(chatId: ChatId, holder: string): void {
    const there = this.open.get(chatId);
    if (there !== undefined) {
      there.holders.add(holder);
      return;
    }
    const open: Open = {
      holders: new Set([holder]),
      topic: null,
      joined: false,
      present: null,
      pending: [],
      failures: 0,
      timer: null,
      sharing: null,
      waiting: [],
    };
    this.open.set(chatId, open);
    this.join(chatId, open);
  }

  letGo(chatId: ChatId, holder: string): void {
    const open = this.open.get(chatId);
    if (open === undefined || !open.holders.delete(holder) || open.holders.size > 0) return;
    if (open.sharing !== null) clearTimeout(open.sharing);
    this.ownTyping.stop(chatId);
    this.open.delete(chatId);
    this.clear(chatId, open, new RealtimeError("offline", "the chat has been closed"));
    this.board.publish({ kind: "positions-gone", chatId });
  }

  isOpen(chatId: ChatId): boolean {
    return this.open.has(chatId);
  }

  heldBy(holder: string): ChatId[] {
    return [...this.open].filter(([, { holders }]) => holders.has(holder)).map(([chatId]) => chatId);
  }

  opened(connection: Connection): void {
    this.connection = connection;
    for (const [chatId, open] of this.open) {
      open.failures = 0;
      this.join(chatId, open);
    }
  }

  lost(): void {
    this.connection = null;
    this.ownTyping.lost();
    this.othersTyping.forgetAll();
    for (const [chatId, open] of this.open)
      this.clear(chatId, open, new RealtimeError("offline", "there is no connection"));
  }

  typing(chatId: ChatId, active: boolean): void {
    if (!active) this.ownTyping.stop(chatId);
    else if (this.open.get(chatId)?.joined === true) this.ownTyping.keystroke(chatId);
  }

  /** Pushes on the chat's topic, for which it is joined if need be. @throws RealtimeError */
  async push(chatId: ChatId, event: string, payload: object): Promise<unknown> {
    this.hold(chatId, "sharing");
    const open = this.open.get(chatId) as Open;
    if (open.sharing !== null) clearTimeout(open.sharing);
    open.sharing = setTimeout(() => this.letGo(chatId, "sharing"), SHARING_MS);
    if (this.connection === null) throw new RealtimeError("offline", "there is no connection");
    if (open.topic !== null && open.joined) return open.topic.push(event, payload);
    const topic = await new Promise<Topic | RealtimeError>((resolve) => open.waiting.push(resolve));
    if (topic instanceof RealtimeError) throw topic;
    return topic.push(event, payload);
  }

  private join(chatId: ChatId, open: Open): void {
    if (this.connection === null || open.topic !== null) return;
    open.topic = this.connection.join(
      `chat:${chatId}`,
      {},
      {
        joined: () => {
          open.joined = true;
          open.failures = 0;
          const waiting = open.waiting.splice(0);
          if (open.topic !== null) for (const resolve of waiting) resolve(open.topic);
        },
        event: (name, payload) => this.event(chatId, open, name, payload),
        ended: (error) => this.ended(chatId, open, error),
      },
    );
  }

  private ended(chatId: ChatId, open: Open, error: RealtimeError): void {
    open.topic = null;
    this.clear(chatId, open, error);
    // Refused for good, or closed by the server because of a block or a removal: until the chat is opened anew.
    if (!isRetryable(error.code) || error.code === "not_joined") return;
    open.failures += 1;
    open.timer = setTimeout(() => {
      open.timer = null;
      this.join(chatId, open);
    }, error.retryAfterMs ?? pauseMs(open.failures, ASKING));
  }

  private clear(chatId: ChatId, open: Open, why: RealtimeError): void {
    if (open.timer !== null) clearTimeout(open.timer);
    open.timer = null;
    open.topic?.leave();
    open.topic = null;
    open.joined = false;
    open.present = null;
    open.pending = [];
    for (const resolve of open.waiting.splice(0)) resolve(why);
    this.othersTyping.forget(chatId);
    if (this.board.state.present.has(chatId)) this.board.publish({ kind: "present", chatId, userIds: [] });
  }

  private event(chatId: ChatId, open: Open, name: string, payload: unknown): void {
    if (name === "TYPING") {
      const { user_id, state } = payload as ChatEvents["TYPING"];
      if (user_id !== this.ownId) this.othersTyping.heard(chatId, user_id, state);
    } else if (name === "LOCATION_UPDATED") {
      this.board.publish({ kind: "position", position: payload as ChatEvents["LOCATION_UPDATED"] });
    } else if (name === "presence_state") {
      open.present = Presence.syncState(open.present ?? {}, payload as object) as Present;
      for (const diff of open.pending.splice(0))
        open.present = Presence.syncDiff(open.present, diff) as Present;
      this.tellPresent(chatId, open.present);
    } else if (name === "presence_diff") {
      const diff = payload as ChatEvents["presence_diff"];
      if (open.present === null) {
        open.pending.push(diff);
        return;
      }
      open.present = Presence.syncDiff(open.present, diff) as Present;
      this.tellPresent(chatId, open.present);
    }
  }

  private tellPresent(chatId: ChatId, present: Present): void {
    const userIds = Object.keys(present).filter((userId) => userId !== this.ownId);
    this.board.publish({ kind: "present", chatId, userIds });
  }

  private tellTyping(chatId: ChatId, state: "start" | "stop"): void {
    const { topic, joined } = this.open.get(chatId) ?? { topic: null, joined: false };
    if (topic === null || !joined) return;
    // Nothing depends on it, and the next keystroke tells it again.
    topic.push("typing", { state }).catch(ignoreRefusal);
  }
}

function ignoreRefusal(error: unknown): void {
  if (!(error instanceof RealtimeError)) throw error;
}
