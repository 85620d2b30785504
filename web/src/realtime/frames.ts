/** When there is something to see again: a port. */
export interface Frames {
  /** Calls back once, later, when it is time to show what has changed since. What it returns calls it off. */
  next(due: () => void): () => void;
}
