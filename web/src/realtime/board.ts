/** Holds the shared state of one tab, and tells what changes: a list of changes at a time, so that what belongs together is seen together. */
import { type Change, changed, NOTHING, type Shared } from "./changes";

export type BoardListener = (changes: readonly Change[], state: Shared) => void;

export class Board {
  state: Shared = NOTHING;
  private readonly listeners = new Set<BoardListener>();

  publish(...changes: readonly Change[]): void {
    if (changes.length === 0) return;
    for (const change of changes) this.state = changed(this.state, change);
    for (const listener of [...this.listeners]) listener(changes, this.state);
  }

  /** Everything anew, as another tab has it. */
  replace(state: Shared): void {
    this.state = state;
    for (const listener of [...this.listeners]) listener([], state);
  }

  listen(listener: BoardListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
