/** Any error as words: which text says it, and when trying again can help. */
import { ApiError } from "@/api/client";
import { SessionOver } from "@/auth/session";

/** Every `code` that a server may answer, and what can go wrong before it answers. Each has a text in `errors` of app.json. */
export const PROBLEMS = [
  "malformed",
  "unauthenticated",
  "token_expired",
  "bad_credentials",
  "refresh_reused",
  "forbidden",
  "not_found",
  "method_not_allowed",
  "conflict",
  "phone_taken",
  "too_large",
  "unsupported_media_type",
  "invalid",
  "unknown_event",
  "not_joined",
  "rate_limited",
  "overloaded",
  "unavailable",
  "draining",
  "dead_lettered",
  "internal",
  "offline",
  "timeout",
  "network",
  "session_over",
  "outdated",
  "unknown",
] as const;

export type Problem = (typeof PROBLEMS)[number];

const known = new Set<string>(PROBLEMS);
const HELPS_TO_RETRY: ReadonlySet<Problem> = new Set<Problem>([
  "rate_limited",
  "overloaded",
  "unavailable",
  "draining",
  "internal",
  "offline",
  "timeout",
  "network",
  "unknown",
]);

export interface Told {
  problem: Problem;
  /** When to try again, if the server has said so. */
  retryAfterMs: number | null;
  retryable: boolean;
}

function named(error: unknown): Problem {
  if (error instanceof SessionOver) return "session_over";
  if (error instanceof Error && error.name === "ChunkError") return "outdated";
  if (typeof error === "object" && error !== null && "code" in error && typeof error.code === "string")
    return known.has(error.code) ? (error.code as Problem) : "unknown";
  // `fetch` has one error for everything that keeps an answer from coming.
  if (error instanceof TypeError) return navigator.onLine === false ? "offline" : "network";
  if (error instanceof DOMException && error.name === "TimeoutError") return "timeout";
  return "unknown";
}

export function told(error: unknown): Told {
  const problem = named(error);
  const after =
    typeof error === "object" && error !== null && "retryAfterMs" in error ? error.retryAfterMs : null;
  return {
    problem,
    retryAfterMs: typeof after === "number" && after > 0 ? after : null,
    retryable: HELPS_TO_RETRY.has(problem),
  };
}

/** What the server says of one field, in its own words; they are for people. */
export function fieldError(error: unknown, field: string): string | undefined {
  return error instanceof ApiError ? error.fields.get(field) : undefined;
}
