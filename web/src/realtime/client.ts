/** One tab's `RealtimeClient`: what is shared comes from the board, histories and drafts are this tab's own, and commands go where the connection is. */
import type { StoreApi } from "zustand/vanilla";
import type { ChatView, MessageView } from "@/types/socket";
import { Board } from "./board";
import type { Change, Shared } from "./changes";
import { Core, type CorePorts } from "./core";
import { Drafts } from "./drafts";
import type { Frames } from "./frames";
import { Histories } from "./history/histories";
import { HistorySource } from "./history/source";
import { type OutgoingRecord, outgoingOf, recordOfOutgoing } from "./outbox/record";
import type { ChatId, DomainEvent, Draft, RealtimeClient, RealtimeState, UserId } from "./realtime";
import { RealtimeError } from "./realtime";
import { Screen } from "./screen";
import { ForgivingStorage } from "./storage/forgiving";
import { type Kept, type Storage, StorageError } from "./storage/storage";
import { Link } from "./tabs/link";
import type { Tabs } from "./tabs/tabs";

export interface ClientPorts extends CorePorts {
  storage: Storage;
  /** Whether `storage` is only memory, because the device keeps nothing. */
  keepsNothing?: boolean;
  tabs: Tabs;
  frames: Frames;
  /** A name for a message that is unique for ever. */
  newId(): string;
}

export function createRealtime(ownId: UserId, ports: ClientPorts): RealtimeClient {
  return new TabClient(ownId, ports);
}

class TabClient implements RealtimeClient {
  private readonly board = new Board();
  private readonly screen: Screen;
  private readonly storage: Storage;
  private readonly histories: Histories;
  private readonly drafts: Drafts;
  private readonly link: Link;
  private kept: Promise<Kept> | null = null;
  private ending: Promise<void> | null = null;
  private lastOrder = 0;

  constructor(
    private readonly ownId: UserId,
    private readonly ports: ClientPorts,
  ) {
    this.storage = new ForgivingStorage(ports.storage);
    this.screen = new Screen(ports.frames, this.board.state);
    const source = new HistorySource(ports.rest, this.storage, this.board);
    this.histories = new Histories(this.board, source, (chatId, history, awaited) =>
      this.screen.history(chatId, history, awaited),
    );
    this.drafts = new Drafts(this.storage);
    this.link = new Link(ports.tabs, this.board, {
      takeOver: () => this.takeOver(),
      led: () => this.led(),
      forget: () => void this.forgetHere(),
    });
    this.board.listen((changes, shared) => this.changed(changes, shared));
    if (ports.keepsNothing) this.board.publish({ kind: "storage", storage: "memory" });
  }

  // -- life ------------------------------------------------------------------------------------------------------

  async start(): Promise<void> {
    this.kept = this.load();
    const kept = await this.kept;
    if (this.ending !== null) return;
    this.drafts.restore(kept.drafts);
    this.board.publish(...changesOf(kept));
    this.screen.become({ opened: true });
    this.link.start();
  }

  /** What cannot be read is as if nothing were kept, which is said. */
  private async load(): Promise<Kept> {
    try {
      return await this.storage.load();
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      this.board.publish({ kind: "storage", storage: "memory" });
      return { me: null, since: null, chats: [], outgoing: [], drafts: [], people: [] };
    }
  }

  stop(): Promise<void> {
    this.ending ??= this.end(async () => undefined);
    return this.ending;
  }

  forget(): Promise<void> {
    this.link.tellForget();
    return this.forgetHere();
  }

  /** Each tab removes everything when it has written its last: so the last of them leaves nothing. */
  private forgetHere(): Promise<void> {
    this.ending ??= this.end(() => this.storage.clear()).then(() => {
      this.board.replace({ ...new Board().state, connection: { status: "signed-out" } });
      this.screen.show();
    });
    return this.ending;
  }

  private async end(last: () => Promise<void>): Promise<void> {
    await this.drafts.flush();
    await this.link.stop();
    this.screen.become({ leading: false });
    await last();
    this.storage.close();
  }

  private async takeOver(): Promise<Core> {
    const core = new Core(this.ownId, this.ports, this.storage, this.board);
    const kept = await (this.kept ?? this.load());
    this.kept = null;
    // What the one before had not written yet is asked for again: only what is kept counts as known.
    const keptIds = new Set(kept.chats.map(({ id }) => id));
    const unkept = [...this.board.state.chats.values()].filter(({ id }) => !keptIds.has(id));
    const waiting = [...this.board.state.outgoing.values()].map(recordOfOutgoing);
    this.board.publish(...changesOf(kept), {
      kind: "chats",
      chats: unkept.map((record) => ({ ...record, synced: 0 })),
    });
    core.start(kept, waiting);
    this.screen.become({ leading: true });
    return core;
  }

  /** Another one leads, or this one: whoever it is must know what is on the screen here. */
  private led(): void {
    if (!this.link.isLeading) this.kept = null;
    for (const chatId of this.histories.chatIds)
      void this.tell(this.link.carry("hold", chatId, this.ports.tabs.id));
    for (const { name, args } of this.link.unanswered)
      if (name === "send") this.showWaiting(args[0] as OutgoingRecord);
    this.histories.refresh();
  }

  private changed(changes: readonly Change[], shared: Shared): void {
    this.histories.changed(changes);
    this.screen.changed(changes, shared);
    for (const change of changes) if (change.kind === "draft") this.drafts.heard(change.chatId, change.text);
  }

  /** For commands of which nobody waits for the outcome: what they say is kept, or out of date soon. */
  private async tell(carried: Promise<void>): Promise<void> {
    try {
      await carried;
    } catch (error) {
      if (!(error instanceof RealtimeError)) throw error;
    }
  }

  // -- histories -------------------------------------------------------------------------------------------------

  openChat(chatId: ChatId): () => void {
    this.histories.hold(chatId);
    void this.tell(this.link.carry("hold", chatId, this.ports.tabs.id));
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      this.histories.letGo(chatId);
      if (!this.histories.chatIds.includes(chatId))
        void this.tell(this.link.carry("letGo", chatId, this.ports.tabs.id));
    };
  }

  loadOlder(chatId: ChatId): Promise<void> {
    return this.histories.older(chatId);
  }

  loadNewer(chatId: ChatId): Promise<void> {
    return this.histories.newer(chatId);
  }

  loadAround(chatId: ChatId, seq: number): Promise<void> {
    return this.histories.around(chatId, seq);
  }

  loadNewest(chatId: ChatId): Promise<void> {
    return this.histories.newest(chatId);
  }

  message(chatId: ChatId, seq: number): Promise<MessageView | null> {
    return this.histories.message(chatId, seq);
  }

  // -- sending ---------------------------------------------------------------------------------------------------

  async send(chatId: ChatId, draft: Draft): Promise<string> {
    const now = Date.now();
    this.lastOrder = Math.max(this.lastOrder + 1, now);
    const record: OutgoingRecord = {
      clientId: this.ports.newId(),
      chatId,
      draft,
      createdAt: new Date(now).toISOString(),
      order: this.lastOrder,
      mediaId: draft.mediaId ?? null,
      failed: null,
    };
    try {
      await this.storage.write({ outgoing: [record] });
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      // It is sent all the same; that nothing is kept is shown.
      this.board.publish({ kind: "storage", storage: "memory" });
    }
    this.showWaiting(record);
    void this.tell(this.link.carry("send", record));
    this.screen.show();
    return record.clientId;
  }

  private showWaiting(record: OutgoingRecord): void {
    if (this.board.state.outgoing.has(record.clientId)) return;
    const status = record.draft.attachment === undefined ? "waiting" : "uploading";
    this.board.publish({ kind: "outgoing", outgoing: [outgoingOf(record, status)] });
  }

  async retry(clientId: string): Promise<void> {
    await this.link.carry("retry", clientId);
    this.screen.show();
  }

  async discard(clientId: string): Promise<void> {
    await this.link.carry("discard", clientId);
    this.screen.show();
  }

  edit(chatId: ChatId, seq: number, content: Record<string, unknown>): Promise<void> {
    return this.link.carry("edit", chatId, seq, content);
  }

  remove(chatId: ChatId, seq: number): Promise<void> {
    return this.link.carry("remove", chatId, seq);
  }

  markRead(chatId: ChatId, seq: number): void {
    void this.tell(this.link.carry("markRead", chatId, seq));
  }

  typing(chatId: ChatId, active: boolean): void {
    void this.tell(this.link.carry("typing", chatId, active));
  }

  updateLocation(
    chatId: ChatId,
    seq: number,
    position: { lat: number; lng: number; accuracy?: number },
  ): Promise<void> {
    return this.link.carry("updateLocation", chatId, seq, position);
  }

  stopLocation(chatId: ChatId, seq: number): Promise<void> {
    return this.link.carry("stopLocation", chatId, seq);
  }

  adopt(chat: ChatView): void {
    void this.tell(this.link.carry("adopt", chat));
    this.screen.show();
  }

  wantPeople(ids: readonly UserId[], anew = false): void {
    void this.tell(this.link.carry("wantPeople", ids, anew));
  }

  connectNow(): void {
    void this.tell(this.link.carry("connectNow"));
  }

  draftText(chatId: ChatId): string {
    return this.drafts.text(chatId);
  }

  keepDraftText(chatId: ChatId, text: string): void {
    if (this.drafts.text(chatId) === text) return;
    this.drafts.keep(chatId, text);
    void this.tell(this.link.carry("draft", chatId, text));
  }

  subscribe(listener: (event: DomainEvent) => void): () => void {
    return this.screen.subscribe(listener);
  }

  get state(): StoreApi<RealtimeState> {
    return this.screen.state;
  }
}

/** What is kept, as news. */
function changesOf(kept: Kept): Change[] {
  const changes: Change[] = [
    { kind: "chats", chats: kept.chats },
    { kind: "people", people: kept.people.map(({ person }) => ({ ...person, online: false })) },
    { kind: "outgoing", outgoing: kept.outgoing.map((record) => outgoingOf(record, "waiting")) },
  ];
  if (kept.me !== null) changes.push({ kind: "me", me: kept.me });
  return changes;
}
