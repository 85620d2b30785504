/**
 * The secret halves of invite links that were made in this browser. The server shows a link once and keeps only its hash; whoever made it wants
 * to copy it again the next day. Gone with the session, as everything of it is.
 */
import { sessionStore } from "@/auth/session";

const STORED = "invite-links";
/** More than one ever manages by hand; the oldest go. */
const MOST = 200;

function read(): Map<string, string> {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(STORED) ?? "[]");
    const pairs = Array.isArray(found) ? found : [];
    return new Map(pairs.filter((pair): pair is [string, string] => isPair(pair)));
  } catch {
    return new Map();
  }
}

function isPair(value: unknown): boolean {
  return Array.isArray(value) && value.length === 2 && value.every((each) => typeof each === "string");
}

function write(links: Map<string, string>): void {
  localStorage.setItem(STORED, JSON.stringify([...links].slice(-MOST)));
}

export function rememberLink(inviteId: string, token: string): void {
  write(read().set(inviteId, token));
}

export function forgetLink(inviteId: string): void {
  const links = read();
  if (links.delete(inviteId)) write(links);
}

/** The token of a link that was made here, or `null`. */
export function linkMadeHere(inviteId: string): string | null {
  return read().get(inviteId) ?? null;
}

if (typeof window !== "undefined") {
  sessionStore.subscribe((now, before) => {
    if (now.session?.userId !== before.session?.userId) localStorage.removeItem(STORED);
  });
}
