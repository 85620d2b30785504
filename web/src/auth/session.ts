/**
 * Who is signed in on this browser. One session for all its tabs: a refresh token may be used once only, so tabs refresh one at a time
 * (Web Locks) and take over what another has got. An exchange whose answer was lost is repeated under the name that it had: see docs/web.md.
 */

import { createStore } from "zustand/vanilla";
import { newId } from "@/realtime/browser/newId";
import type { components } from "@/types/openapi";
import { askExchange, type Exchangeable } from "./exchange";
import { oneAtATime } from "./oneAtATime";

type SessionView = components["schemas"]["SessionView"];

export interface Session {
  userId: string;
  deviceId: string;
  accessToken: string;
  /** Milliseconds since the epoch, by this browser's clock. */
  accessExpiresAt: number;
  refreshToken: string;
  /** The name of the exchange of `refreshToken`, which may or may not have been asked for, and done. */
  exchange?: string;
}

/** What it takes to ask in somebody's name, and to go on when the access token has run out: the next exchange has its name already. */
export type Lendable = Pick<Session, "accessToken" | "accessExpiresAt"> & Exchangeable;

/** The session is over: revoked, or expired. */
export class SessionOver extends Error {
  override name = "SessionOver";
}

const STORED = "session";
const EXCHANGING = "refresh-session";
/** An access token is not used in its last seconds: it might expire on the way. */
const EARLY_MS = 30_000;
/** Other tabs wait for the answer as well. */
const ANSWER_WITHIN_MS = 20_000;

function isSession(value: unknown): value is Session {
  if (typeof value !== "object" || value === null) return false;
  const fields = value as Record<string, unknown>;
  return (
    ["userId", "deviceId", "accessToken", "refreshToken"].every((name) => typeof fields[name] === "string") &&
    typeof fields.accessExpiresAt === "number" &&
    ["string", "undefined"].includes(typeof fields.exchange)
  );
}

function stored(): Session | null {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(STORED) ?? "null");
    return isSession(kept) ? kept : null;
  } catch {
    return null;
  }
}

interface Sessions {
  session: Session | null;
  /** The last one has come to an end that nobody here wanted: revoked, or expired. */
  lost: boolean;
}

export const sessionStore = createStore<Sessions>(() => ({ session: stored(), lost: false }));

if (typeof window !== "undefined") {
  window.addEventListener("storage", (event) => {
    if (event.key === STORED || event.key === null) sessionStore.setState({ session: stored(), lost: false });
  });
}

function keep(session: Session | null, lost = false): void {
  if (session === null) localStorage.removeItem(STORED);
  else localStorage.setItem(STORED, JSON.stringify(session));
  sessionStore.setState({ session, lost });
}

/** Known before it is asked for: whoever comes after this page, however that ends, can repeat it. */
function exchangeOf(session: Session): string {
  if (session.exchange !== undefined) return session.exchange;
  const exchange = newId();
  keep({ ...session, exchange });
  return exchange;
}

export function signedIn(view: SessionView): Session {
  const session = {
    userId: view.user.id,
    deviceId: view.device_id,
    accessToken: view.access_token,
    accessExpiresAt: Date.parse(view.access_expires_at),
    refreshToken: view.refresh_token,
  };
  keep(session);
  return session;
}

export function signedOut(): void {
  keep(null);
}

/**
 * Hands out what `Lendable` says, or `null` if it is not wanted (any more) or nobody is signed in. Meanwhile no tab makes an exchange, or lends:
 * what is taken last is how things are.
 */
export function lendSession(
  wanted: () => boolean,
  take: (session: Lendable | null) => Promise<void>,
): Promise<void> {
  return oneAtATime(EXCHANGING, async () => {
    const session = wanted() ? stored() : null;
    if (session === null) return take(null);
    const { accessToken, accessExpiresAt, refreshToken } = session;
    return take({ accessToken, accessExpiresAt, refreshToken, exchange: exchangeOf(session) });
  });
}

/**
 * An access token that is good for a while, a new one if need be.
 *
 * @param refused one that the server has just refused, so that it is not given again.
 * @throws SessionOver if nobody is signed in (any more); whatever kept the server from answering otherwise, which ends no session
 */
export async function accessToken(refused?: string): Promise<string> {
  const usable = (session: Session) =>
    session.accessToken !== refused && session.accessExpiresAt - Date.now() > EARLY_MS;
  const now = sessionStore.getState().session;
  if (now !== null && usable(now)) return now.accessToken;
  return oneAtATime(EXCHANGING, async () => {
    const session = stored();
    if (session === null) throw new SessionOver();
    if (usable(session)) {
      sessionStore.setState({ session });
      return session.accessToken;
    }
    const { refreshToken } = session;
    const answer = await askExchange(
      { refreshToken, exchange: exchangeOf(session) },
      AbortSignal.timeout(ANSWER_WITHIN_MS),
    );
    const current = stored();
    if (current?.refreshToken !== session.refreshToken) {
      // Meanwhile somebody has signed in or out here: what was asked is of no use to them.
      if (current === null || current.deviceId !== session.deviceId) throw new SessionOver();
    }
    if (answer.status === 401 || answer.status === 403) {
      keep(null, true);
      throw new SessionOver();
    }
    if (!answer.ok) throw new TypeError(`refreshing was answered ${answer.status}`);
    return signedIn((await answer.json()) as SessionView).accessToken;
  });
}
