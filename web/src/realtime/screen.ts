/**
 * What the interface sees of the state. After a quiet moment a change is shown at once; what comes before the next frame is gathered, and shown together.
 * So however much comes, the interface is rendered once a frame, and keys have their turn in between. What somebody does here, or waits for, is
 * shown at once.
 *
 * What happened is told when the state shows it, in the order in which it happened, and each once.
 */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { Change, Shared } from "./changes";
import type { Frames } from "./frames";
import type { ChatId, DomainEvent, History, RealtimeState } from "./realtime";
import { shownChats } from "./shown";

type Own = Pick<RealtimeState, "opened" | "leading">;

export class Screen {
  readonly state: StoreApi<RealtimeState>;
  private shared: Shared;
  /** Since it was last brought up to date. An empty list of changes, as a board tells it, is everything anew. */
  private changes: Change[] = [];
  private isAnew = false;
  private histories = new Map<ChatId, History | null>();
  private own: Partial<Own> = {};
  private isDue = false;
  private callOff: (() => void) | null = null;
  private readonly listeners = new Set<(event: DomainEvent) => void>();

  constructor(
    private readonly frames: Frames,
    shared: Shared,
  ) {
    this.shared = shared;
    this.state = createStore<RealtimeState>(() => ({
      ...partsOf(shared),
      opened: false,
      leading: false,
      chats: new Map(),
      chatOrder: [],
      histories: new Map(),
    }));
  }

  changed(changes: readonly Change[], shared: Shared): void {
    this.shared = shared;
    for (const change of changes) this.changes.push(change);
    this.isAnew ||= changes.length === 0;
    // What is being written is shown by where it is written.
    if (this.isAnew || changes.some(({ kind }) => kind !== "draft")) this.due();
  }

  /** `null` for a chat that is not open any more. What is awaited is shown at once. */
  history(chatId: ChatId, history: History | null, awaited: boolean): void {
    this.histories.set(chatId, history);
    if (awaited) {
      this.isDue = true;
      this.show();
    } else this.due();
  }

  /** This tab is another thing now: at once, with all that was known before. */
  become(own: Partial<Own>): void {
    this.own = own;
    this.isDue = true;
    this.show();
  }

  subscribe(listener: (event: DomainEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private due(): void {
    this.isDue = true;
    if (this.callOff === null) this.show();
  }

  /** Shows what there is now: what somebody does here is not to wait for anything. */
  show(): void {
    if (!this.isDue) return;
    this.isDue = false;
    this.callOff?.();
    this.callOff = this.frames.next(() => {
      this.callOff = null;
      this.show();
    });
    const { changes, isAnew, histories, own } = this;
    this.changes = [];
    this.isAnew = false;
    this.histories = new Map();
    this.own = {};
    const before = this.state.getState();
    this.state.setState({
      ...partsOf(this.shared),
      ...shownChats(before, isAnew ? null : changes, this.shared),
      ...(histories.size > 0 && { histories: withHistories(before.histories, histories) }),
      ...own,
    });
    for (const change of changes)
      if (change.kind === "event") for (const listener of [...this.listeners]) listener(change.event);
  }
}

function partsOf({ connection, storage, me, people, typing, present, positions, receipts }: Shared) {
  return { connection, storage, me, people, typing, present, positions, receipts };
}

function withHistories(before: RealtimeState["histories"], changed: ReadonlyMap<ChatId, History | null>) {
  const histories = new Map(before);
  for (const [chatId, history] of changed)
    if (history === null) histories.delete(chatId);
    else histories.set(chatId, history);
  return histories;
}
