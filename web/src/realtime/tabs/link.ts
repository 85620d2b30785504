/**
 * One tab's way to the one that leads. Commands are carried out there; what changes comes back to all. A command that is not answered yet is given to
 * whoever leads next: all of them may be carried out twice (a message has its `client_id`; the others say how something is to be).
 */
import type { Board } from "../board";
import type { Change, Shared } from "../changes";
import type { Carry, Commands } from "../commands";
import type { Core } from "../core";
import { RealtimeError } from "../realtime";
import type { Tabs } from "./tabs";

type Failure = { code: string; message: string; retryAfterMs: number | null };

type Message =
  | { type: "hello"; from: string }
  | { type: "state"; leader: string; to: string | null; state: Shared }
  | { type: "changes"; leader: string; changes: readonly Change[] }
  | { type: "command"; from: string; to: string; id: number; name: keyof Commands; args: unknown[] }
  | { type: "answer"; to: string; id: number; failure: Failure | null }
  | { type: "forget" };

interface Pending {
  name: keyof Commands;
  args: unknown[];
  resolve: () => void;
  reject: (error: Error) => void;
}

export interface LinkOwner {
  /** Makes this tab the one that has the connection. */
  takeOver(): Promise<Core>;
  /** There is somebody (else) who leads: what they must know of this tab is to be said. */
  led(): void;
  /** Another tab has signed out: nothing is to be kept. */
  forget(): void;
}

export class Link {
  private core: Core | null = null;
  private leader: string | null = null;
  private readonly pending = new Map<number, Pending>();
  /** Tabs that have asked for something here: what they hold is let go of when they are gone. */
  private readonly served = new Set<string>();
  private lastId = 0;
  private giveUp: () => void = () => undefined;
  private stopListening: (() => void)[] = [];
  private stopped = false;

  constructor(
    private readonly tabs: Tabs,
    private readonly board: Board,
    private readonly owner: LinkOwner,
  ) {}

  start(): void {
    this.stopListening.push(this.tabs.listen((message) => this.heard(message as Message)));
    this.stopListening.push(
      this.board.listen((changes) => {
        if (this.core !== null && changes.length > 0)
          this.tabs.send({ type: "changes", leader: this.tabs.id, changes } satisfies Message);
      }),
    );
    this.giveUp = this.tabs.lead(() => void this.lead());
    this.tabs.send({ type: "hello", from: this.tabs.id } satisfies Message);
  }

  /** Every other tab is to forget what it has. */
  tellForget(): void {
    this.tabs.send({ type: "forget" } satisfies Message);
  }

  get isLeading(): boolean {
    return this.core !== null;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    for (const stop of this.stopListening) stop();
    await this.core?.stop();
    this.core = null;
    this.giveUp();
    this.tabs.close();
    for (const { reject } of this.pending.values())
      reject(new RealtimeError("offline", "this tab is closed"));
    this.pending.clear();
  }

  readonly carry: Carry = (name, ...args) => {
    if (this.stopped) return Promise.reject(new RealtimeError("offline", "this tab is closed"));
    return new Promise((resolve, reject) => {
      this.lastId += 1;
      const command: Pending = { name, args, resolve, reject };
      this.pending.set(this.lastId, command);
      this.give(this.lastId, command);
    });
  };

  /** Messages that have been handed over and are not yet known to have arrived. */
  get unanswered(): readonly Pending[] {
    return [...this.pending.values()];
  }

  private give(id: number, { name, args }: Pending): void {
    if (this.core !== null) {
      void this.run(this.core, name, args).then((failure) => this.answered(id, failure));
    } else if (this.leader !== null) {
      const command: Message = { type: "command", from: this.tabs.id, to: this.leader, id, name, args };
      this.tabs.send(command);
    }
  }

  private async lead(): Promise<void> {
    if (this.stopped) return;
    const core = await this.owner.takeOver();
    if (this.stopped) {
      await core.stop();
      return;
    }
    this.core = core;
    this.leader = this.tabs.id;
    this.tellState(null);
    this.owner.led();
    for (const [id, command] of [...this.pending]) this.give(id, command);
  }

  private tellState(to: string | null): void {
    this.tabs.send({ type: "state", leader: this.tabs.id, to, state: this.board.state } satisfies Message);
  }

  private heard(message: Message): void {
    switch (message.type) {
      case "hello":
        if (this.core !== null) this.tellState(message.from);
        return;
      case "state":
        if (this.core !== null || (message.to !== null && message.to !== this.tabs.id)) return;
        this.board.replace(message.state);
        if (this.leader === message.leader) return;
        this.leader = message.leader;
        this.owner.led();
        for (const [id, command] of [...this.pending]) this.give(id, command);
        return;
      case "changes":
        if (this.core === null && message.leader === this.leader) this.board.publish(...message.changes);
        return;
      case "command":
        if (this.core !== null && message.to === this.tabs.id) void this.serve(this.core, message);
        return;
      case "answer":
        if (message.to === this.tabs.id) this.answered(message.id, message.failure);
        return;
      case "forget":
        this.owner.forget();
    }
  }

  private async serve(core: Core, { from, id, name, args }: Message & { type: "command" }): Promise<void> {
    if (!this.served.has(from)) {
      this.served.add(from);
      this.tabs.whenGone(from, () => {
        this.served.delete(from);
        void core.letGoAll(from);
      });
    }
    const failure = await this.run(core, name, args);
    this.tabs.send({ type: "answer", to: from, id, failure } satisfies Message);
  }

  private async run(core: Core, name: keyof Commands, args: unknown[]): Promise<Failure | null> {
    try {
      await (core[name] as (...given: unknown[]) => Promise<void>).apply(core, args);
      return null;
    } catch (error) {
      if (!(error instanceof RealtimeError)) throw error;
      const { code, message, retryAfterMs } = error;
      return { code, message, retryAfterMs };
    }
  }

  private answered(id: number, failure: Failure | null): void {
    const command = this.pending.get(id);
    this.pending.delete(id);
    if (failure === null) command?.resolve();
    else command?.reject(new RealtimeError(failure.code, failure.message, failure.retryAfterMs));
  }
}
