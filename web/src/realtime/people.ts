/**
 * Profiles of people: asked for when somebody wants to see them and they are not known, or not since long; what is wished for within a moment is one
 * question. Who is online is told by events, and counts more than what a profile said.
 */
import type { Timestamp, UserView } from "@/types/socket";
import { ASKING, isRetryable, pauseMs } from "./backoff";
import type { Board } from "./board";
import type { Journal } from "./journal";
import { personOf } from "./person";
import { type Person, RealtimeError, type UserId } from "./realtime";
import type { Rest } from "./rest";
import type { KeptPerson } from "./storage/storage";

const STALE_MS = 15 * 60_000;
/** A screen full of rows says within this whom it wants. */
const GATHER_MS = 20;
/** In one question, of which there is one at a time: what is wanted meanwhile comes before the rest. */
const MOST_ASKED = 50;

export class People {
  private readonly knownAt = new Map<UserId, number>();
  private readonly online = new Set<UserId>();
  /** The latest wishes first: they are of what is on the screen now. */
  private wanted = new Set<UserId>();
  private under: ReadonlySet<UserId> = new Set();
  private failures = 0;
  private stopped = false;
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor(
    private readonly board: Board,
    private readonly journal: Journal,
    private readonly rest: Rest,
  ) {}

  restore(kept: readonly KeptPerson[]): void {
    for (const { person, at } of kept) this.knownAt.set(person.id, at);
  }

  want(ids: readonly UserId[], anew = false): void {
    const before = Date.now() - STALE_MS;
    const isOld = (id: UserId) => anew || (this.knownAt.get(id) ?? Number.NEGATIVE_INFINITY) <= before;
    this.wanted = new Set([...ids.filter((id) => isOld(id) && !this.under.has(id)), ...this.wanted]);
    if (this.wanted.size > 0) this.later(GATHER_MS);
  }

  /** There is a connection (again): what waited is asked for now. */
  hurry(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.failures = 0;
    this.next();
  }

  stop(): void {
    this.stopped = true;
    if (this.timer !== null) clearTimeout(this.timer);
    this.wanted.clear();
  }

  /** These contacts are online, and nobody else. */
  onlineAre(ids: readonly UserId[]): void {
    this.online.clear();
    for (const id of ids) this.online.add(id);
    const people = [...this.board.state.people.values()].filter(
      (person) => person.online !== this.online.has(person.id),
    );
    this.show(people.map((person) => ({ ...person, online: this.online.has(person.id) })));
  }

  presence(id: UserId, online: boolean, lastSeen: Timestamp | null): void {
    if (online) this.online.add(id);
    else this.online.delete(id);
    const person = this.board.state.people.get(id);
    if (person !== undefined)
      this.show([{ ...person, online, lastSeen: online ? person.lastSeen : lastSeen }]);
  }

  private show(people: readonly Person[]): void {
    if (people.length > 0) this.board.publish({ kind: "people", people });
  }

  private later(ms: number): void {
    if (this.stopped) return;
    this.timer ??= setTimeout(() => {
      this.timer = null;
      this.next();
    }, ms);
  }

  private next(): void {
    if (this.timer !== null || this.stopped || this.under.size > 0 || this.wanted.size === 0) return;
    const ids = [...this.wanted].slice(0, MOST_ASKED);
    for (const id of ids) this.wanted.delete(id);
    this.under = new Set(ids);
    void this.ask(ids);
  }

  private async ask(ids: readonly UserId[]): Promise<void> {
    try {
      const views = new Map((await this.rest.people(ids)).map((view) => [view.id, view]));
      if (this.stopped) return;
      this.failures = 0;
      const at = Date.now();
      const people = ids.map((id) => this.personOf(id, views.get(id) ?? null));
      for (const id of ids) this.knownAt.set(id, at);
      this.journal.note({ people: people.map((person) => ({ person, at })) });
      this.show(people);
    } catch (error) {
      if (!(error instanceof RealtimeError)) throw error;
      if (isRetryable(error.code)) {
        for (const id of ids) this.wanted.add(id);
        this.failures += 1;
        this.later(error.retryAfterMs ?? pauseMs(this.failures, ASKING));
      }
    } finally {
      this.under = new Set();
    }
    this.next();
  }

  private personOf(id: UserId, view: UserView | null): Person {
    if (view === null)
      return { id, name: "", status: "", avatarMediaId: null, online: false, lastSeen: null, deleted: true };
    const person = personOf(view);
    return { ...person, online: person.online || this.online.has(id) };
  }
}
