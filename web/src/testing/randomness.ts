/**
 * Numbers from 0 to 1 that are the same for the same seed.
 * https://gist.github.com/tommyettinger/46a874533244883189143505d203312c (mulberry32)
 */
export function randomness(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** What somebody does who does whatever comes to their mind. */
export abstract class Chance {
  /** @param random numbers from 0 to 1 */
  constructor(protected readonly random: () => number) {}

  /** A whole number from 0 to less than `limit`. */
  protected below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  protected pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}
