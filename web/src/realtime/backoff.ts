/**
 * When to try again: exponential back-off with full jitter, so that those who lost a node at the same moment do not come back at the same moment.
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */

export interface BackoffLimits {
  firstMs: number;
  longestMs: number;
}

export const CONNECTING: BackoffLimits = { firstMs: 500, longestMs: 30_000 };
export const ASKING: BackoffLimits = { firstMs: 1_000, longestMs: 30_000 };

/** @param failures in a row so far, from 1. */
export function pauseMs(
  failures: number,
  { firstMs, longestMs }: BackoffLimits,
  random = Math.random,
): number {
  return random() * Math.min(longestMs, firstMs * 2 ** Math.max(0, failures - 1));
}

/** Whether trying the same again can help, by the code of a refusal. */
export function isRetryable(code: string): boolean {
  return RETRYABLE.has(code);
}

const RETRYABLE = new Set([
  "offline",
  "timeout",
  "rate_limited",
  "overloaded",
  "unavailable",
  "draining",
  "internal",
  "not_joined",
]);
