/**
 * The session, as the service worker has it: pages keep theirs where a worker cannot read. It is there only while notifications are on, and
 * gone when somebody signs out.
 *
 * A worker must not take the session further than pages know of. So it is lent the next exchange of the refresh token under the name that a
 * page will use too: whichever of them makes it first, and however often, to the server it is one (docs/web.md).
 */
import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import { askExchange } from "@/auth/exchange";
import type { Lendable } from "@/auth/session";
import type { components } from "@/types/openapi";

interface Schema extends DBSchema {
  session: { key: "session"; value: Lendable };
}

const NAME = "lent";
/** An access token is not used in its last seconds: it might expire on the way. */
const EARLY_MS = 10_000;

let opened: Promise<IDBPDatabase<Schema>> | null = null;

function database(): Promise<IDBPDatabase<Schema>> {
  opened ??= openDB<Schema>(NAME, 1, {
    upgrade: (db) => void db.createObjectStore("session"),
    blocking(_current, _blocked, event) {
      (event.target as IDBDatabase).close();
      opened = null;
    },
    terminated() {
      opened = null;
    },
  });
  return opened;
}

export async function lend(session: Lendable | null): Promise<void> {
  const db = await database();
  if (session === null) await db.clear("session");
  else await db.put("session", session, "session");
}

/**
 * An access token, for a worker.
 *
 * @param refused one that the server has just refused
 * @returns `null` when nobody is signed in, or the session is over
 * @throws TypeError when the server does not answer, or the signal's reason
 */
export async function lentToken(signal: AbortSignal, refused?: string): Promise<string | null> {
  const session = await (await database()).get("session", "session");
  if (session === undefined) return null;
  if (session.accessToken !== refused && session.accessExpiresAt - Date.now() > EARLY_MS)
    return session.accessToken;
  const answer = await askExchange(session, signal);
  if (!answer.ok) return null;
  const view = (await answer.json()) as components["schemas"]["SessionView"];
  await keepToken(session.refreshToken, view.access_token, Date.parse(view.access_expires_at));
  return view.access_token;
}

/** For the next push; but what a page has lent meanwhile is newer, and what it has taken back stays away. */
async function keepToken(of: string, accessToken: string, accessExpiresAt: number): Promise<void> {
  const { store, done } = (await database()).transaction("session", "readwrite");
  const there = await store.get("session");
  if (there?.refreshToken === of) await store.put({ ...there, accessToken, accessExpiresAt }, "session");
  await done;
}
