/** The histories of the chats that are open in this tab: loads them, moves them, and keeps them up with what changes. */
import type { MessageView } from "@/types/socket";
import type { Board } from "../board";
import type { Change } from "../changes";
import type { ChatId, History, Outgoing } from "../realtime";
import { type HistorySource, NotWanted } from "./source";
import {
  lastRun,
  lastSeq,
  newest,
  type Stretch,
  stretchOf,
  withMessages,
  withNewer,
  withOlder,
} from "./stretch";

const PAGE = 60;
/** So much is shown at once of a chat in which much is unread. */
const MOST_AT_FIRST = 200;

interface Open {
  holders: number;
  stretch: Stretch;
  /** Counts each time the history becomes another part: what was asked before is not wanted then. */
  part: number;
  loading: number;
  /** An older and a newer page under way: one of each at a time. */
  under: { older: Promise<void> | null; newer: Promise<void> | null };
  firstUnread: number | null;
  /** Where something was missing when it was last asked for: what is refused is asked for again only when it is something else. */
  filled: string;
}

export class Histories {
  private readonly open = new Map<ChatId, Open>();

  constructor(
    private readonly board: Board,
    private readonly source: HistorySource,
    /** `awaited`: somebody has asked for it; else it is what comes by itself. */
    private readonly show: (chatId: ChatId, history: History | null, awaited: boolean) => void,
  ) {}

  hold(chatId: ChatId): void {
    const there = this.open.get(chatId);
    if (there !== undefined) {
      there.holders += 1;
      return;
    }
    const view = this.board.state.chats.get(chatId)?.view;
    const open: Open = {
      holders: 1,
      stretch: stretchOf([], true),
      part: 0,
      loading: 0,
      under: { older: null, newer: null },
      firstUnread: view !== undefined && view.unread > 0 ? view.read_seq + 1 : null,
      filled: "",
    };
    this.open.set(chatId, open);
    this.tell(chatId, open);
    void this.load(chatId, open, Math.min(MOST_AT_FIRST, PAGE + (view?.unread ?? 0)));
  }

  letGo(chatId: ChatId): void {
    const open = this.open.get(chatId);
    if (open === undefined) return;
    open.holders -= 1;
    if (open.holders > 0) return;
    open.part += 1;
    this.open.delete(chatId);
    this.show(chatId, null, true);
  }

  get chatIds(): ChatId[] {
    return [...this.open.keys()];
  }

  async message(chatId: ChatId, seq: number): Promise<MessageView | null> {
    const stretch = this.open.get(chatId)?.stretch;
    const shown = stretch?.messages[seq - stretch.before - 1];
    if (shown !== undefined) return shown;
    const found = await this.source.one(chatId, seq);
    return found === null ? null : (this.source.recent.over([found])[0] ?? null);
  }

  older(chatId: ChatId): Promise<void> {
    const open = this.open.get(chatId);
    if (open === undefined || open.stretch.before === 0) return Promise.resolve();
    open.under.older ??= this.loading(chatId, open, async (wanted) => {
      const { before } = open.stretch;
      const older = await this.source.before(chatId, before + 1, PAGE, wanted);
      if (wanted()) open.stretch = withOlder(open.stretch, this.source.recent.over(older));
    }).finally(() => {
      open.under.older = null;
    });
    return open.under.older;
  }

  newer(chatId: ChatId): Promise<void> {
    const open = this.open.get(chatId);
    if (open === undefined || !this.hasNewer(chatId, open)) return Promise.resolve();
    open.under.newer ??= this.loading(chatId, open, async (wanted) => {
      const after = lastSeq(open.stretch);
      const came = await this.source.after(chatId, after, PAGE, wanted);
      if (!wanted()) return;
      const end = came.at(-1)?.seq ?? after;
      open.stretch = withNewer(open.stretch, this.source.recent.over(came), end >= this.chatsLast(chatId));
    }).finally(() => {
      open.under.newer = null;
    });
    return open.under.newer;
  }

  async around(chatId: ChatId, seq: number): Promise<void> {
    const open = this.open.get(chatId);
    if (open === undefined) return;
    const { before } = open.stretch;
    if (before < seq && seq <= lastSeq(open.stretch)) return;
    this.another(open);
    await this.loading(chatId, open, async (wanted) => {
      const [older, newer] = await Promise.all([
        this.source.before(chatId, seq, PAGE / 2, wanted),
        this.source.after(chatId, seq - 1, PAGE / 2, wanted),
      ]);
      if (!wanted()) return;
      const messages = this.source.recent.over([...older, ...newer]);
      open.stretch = stretchOf(messages, (messages.at(-1)?.seq ?? 0) >= this.chatsLast(chatId));
    });
  }

  async newest(chatId: ChatId): Promise<void> {
    const open = this.open.get(chatId);
    if (open === undefined || (open.stretch.following && !this.hasNewer(chatId, open))) return;
    this.another(open);
    await this.load(chatId, open, PAGE);
  }

  /** What changed, for what is shown. */
  changed(changes: readonly Change[]): void {
    const shown = new Set<ChatId>();
    for (const change of changes) {
      const chatId = chatOf(change);
      const open = chatId === null ? undefined : this.open.get(chatId);
      if (chatId === null || open === undefined) continue;
      if (change.kind === "messages") open.stretch = withMessages(open.stretch, change.messages);
      if (change.kind === "reset" || change.kind === "removed") {
        this.another(open);
        open.stretch = stretchOf([], true);
        if (change.kind === "reset") void this.load(chatId, open, PAGE);
      }
      shown.add(chatId);
    }
    for (const change of changes) {
      if (change.kind === "chats") for (const { id } of change.chats) if (this.open.has(id)) shown.add(id);
      if (change.kind === "connection") for (const id of this.open.keys()) shown.add(id);
    }
    for (const chatId of shown) {
      const open = this.open.get(chatId) as Open;
      this.tell(chatId, open, false);
      this.catchUp(chatId, open);
    }
  }

  /** Asks for what is missing at the end and will not come by itself: the chat was not known when it was opened, or catching up is over without it. */
  private catchUp(chatId: ChatId, open: Open): void {
    const { following, messages } = open.stretch;
    if (!following || open.loading > 0 || !this.hasNewer(chatId, open)) return;
    if (messages.length > 0 && this.board.state.connection.status !== "online") return;
    const missing = `${open.part}: ${lastSeq(open.stretch)} to ${this.chatsLast(chatId)}`;
    if (open.filled === missing) return;
    open.filled = missing;
    void this.loading(chatId, open, (wanted) => this.fill(chatId, open, PAGE, wanted));
  }

  /** Everything may be different: another tab leads. */
  refresh(): void {
    for (const [chatId, open] of this.open) {
      this.tell(chatId, open);
      this.catchUp(chatId, open);
    }
  }

  // -- loading ---------------------------------------------------------------------------------------------------

  private another(open: Open): void {
    open.part += 1;
    open.under = { older: null, newer: null };
  }

  /** The newest part: what is kept at once, and what is missing from the server. */
  private load(chatId: ChatId, open: Open, limit: number): Promise<void> {
    return this.loading(chatId, open, async (wanted) => {
      const kept = await this.source.newestKept(chatId, limit);
      if (!wanted()) return;
      const came = [...open.stretch.loose.values(), ...open.stretch.messages];
      this.become(open, stretchOf(this.source.recent.over(kept), true), came);
      if (kept.length > 0) this.tell(chatId, open);
      if (lastSeq(open.stretch) < this.chatsLast(chatId)) await this.fill(chatId, open, limit, wanted);
      if (open.stretch.messages.length < PAGE / 2 && open.stretch.before > 0) {
        const older = await this.source.before(chatId, open.stretch.before + 1, PAGE, wanted);
        if (wanted()) open.stretch = withOlder(open.stretch, this.source.recent.over(older));
      }
    });
  }

  /** What is missing between the stretch and the end of the history; if that is more than a page, the stretch becomes the end. */
  private async fill(chatId: ChatId, open: Open, limit: number, wanted: () => boolean): Promise<void> {
    const page = this.source.recent.over(await this.source.newest(chatId, Math.max(limit, PAGE), wanted));
    const first = page[0];
    if (first === undefined || !wanted()) return;
    const { stretch } = open;
    const joins = stretch.messages.length > 0 && first.seq <= lastSeq(stretch) + 1;
    const messages = joins ? lastRun(newest(stretch.messages, page)) : page;
    this.become(open, stretchOf(messages, true), [...stretch.loose.values(), ...stretch.messages]);
  }

  /** The stretch with what has come meanwhile, which may be newer. */
  private become(open: Open, stretch: Stretch, came: readonly MessageView[]): void {
    open.stretch = withMessages(stretch, came);
  }

  private async loading(
    chatId: ChatId,
    open: Open,
    load: (wanted: () => boolean) => Promise<void>,
  ): Promise<void> {
    const { part } = open;
    const wanted = () => open.part === part;
    open.loading += 1;
    this.tell(chatId, open);
    try {
      await load(wanted);
    } catch (error) {
      if (!(error instanceof NotWanted)) throw error;
    } finally {
      open.loading -= 1;
      this.tell(chatId, open);
      if (this.open.get(chatId) === open) this.catchUp(chatId, open);
    }
  }

  // -- showing ---------------------------------------------------------------------------------------------------

  private chatsLast(chatId: ChatId): number {
    return this.board.state.chats.get(chatId)?.view.last_seq ?? 0;
  }

  private hasNewer(chatId: ChatId, open: Open): boolean {
    return lastSeq(open.stretch) < this.chatsLast(chatId);
  }

  private tell(chatId: ChatId, open: Open, awaited = true): void {
    if (this.open.get(chatId) !== open) return;
    const { messages, before } = open.stretch;
    const history: History = {
      messages,
      outgoing: this.outgoing(chatId),
      hasOlder: before > 0,
      hasNewer: this.hasNewer(chatId, open),
      loading: open.loading > 0,
      firstUnread: open.firstUnread,
    };
    this.show(chatId, history, awaited);
  }

  private outgoing(chatId: ChatId): readonly Outgoing[] {
    return [...this.board.state.outgoing.values()].filter((each) => each.chatId === chatId);
  }
}

function chatOf(change: Change): ChatId | null {
  switch (change.kind) {
    case "messages":
    case "reset":
    case "removed":
    case "sent":
      return change.chatId;
    case "outgoing":
      return change.outgoing[0]?.chatId ?? null;
    default:
      return null;
  }
}
