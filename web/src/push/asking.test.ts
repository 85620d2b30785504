import "fake-indexeddb/auto";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { accessToken, lendSession, sessionStore, signedIn, signedOut } from "@/auth/session";
import { aChatView, aUser } from "@/testing/realtime";
import { chatOf } from "./asking";
import { forgetAll, keepChats } from "./known";
import { lend, lentToken } from "./lent";
import { prefer } from "./preferences";
import { keepLent } from "./session";

const MINUTE = 60_000;

function view(access: string, refresh: string, lastsMs = 15 * MINUTE) {
  return {
    user: aUser(),
    device_id: "d1",
    access_token: access,
    access_expires_at: new Date(Date.now() + lastsMs).toISOString(),
    refresh_token: refresh,
  };
}

/** A node that knows a few chats, and takes a refresh token once, or again in the same exchange. */
class Node {
  good = "access-1";
  asked: string[] = [];
  exchanges = new Set<string>();
  answers: Record<string, unknown> = {
    "/api/v1/chats/g": aChatView({ id: "g", type: "group", title: "Picnic" }),
    "/api/v1/chats/d": aChatView({ id: "d", peer_id: "u2" }),
    "/api/v1/users/u2": { id: "u2", name: "Ben" },
  };

  fetch = async (path: string, { headers, body, signal }: RequestInit = {}): Promise<Response> => {
    signal?.throwIfAborted();
    this.asked.push(path);
    if (path === "/api/v1/auth/refresh") return this.exchange(String(body));
    if (new Headers(headers).get("Authorization") !== `Bearer ${this.good}`)
      return Response.json({ code: "token_expired" }, { status: 401 });
    const answer = this.answers[path];
    return answer === undefined ? Response.json({}, { status: 404 }) : Response.json(answer);
  };

  private exchange(body: string): Response {
    const { refresh_token: token, exchange } = JSON.parse(body) as Record<string, string>;
    this.exchanges.add(`${token} ${exchange}`);
    if (token !== "refresh-1" || this.exchanges.size > 1) return Response.json({}, { status: 401 });
    this.good = "access-2";
    return Response.json(view("access-2", "refresh-2"));
  }
}

let node: Node;
const patient = () => new AbortController().signal;
const lendIt = () => lendSession(() => true, lend);

beforeEach(async () => {
  node = new Node();
  vi.stubGlobal("fetch", node.fetch);
  signedIn(view("access-1", "refresh-1"));
  await lendIt();
});

afterEach(async () => {
  vi.unstubAllGlobals();
  signedOut();
  await Promise.all([forgetAll(), lend(null)]);
});

describe("a chat that this device has never seen", () => {
  it("is called what the server says, which is remembered", async () => {
    expect(await chatOf("g", patient())).toEqual({ id: "g", title: "Picnic", direct: false });
    expect(await chatOf("g", patient())).toEqual({ id: "g", title: "Picnic", direct: false });
    expect(node.asked).toEqual(["/api/v1/chats/g"]);
  });

  it("is called by the person's name when it is a direct one", async () => {
    expect(await chatOf("d", patient())).toEqual({ id: "d", title: "Ben", direct: true });
    expect(await chatOf("d", patient())).toMatchObject({ title: "Ben" });
    expect(node.asked).toEqual(["/api/v1/chats/d", "/api/v1/users/u2"]);
  });

  it("is asked for when all that is known of it is that it is there", async () => {
    await keepChats([{ id: "d", title: "", direct: true }], []);
    expect(await chatOf("d", patient())).toMatchObject({ title: "Ben" });
  });

  it("has no name when the server knows none, and nothing is remembered", async () => {
    expect(await chatOf("another", patient())).toBeNull();
    node.answers["/api/v1/chats/another"] = aChatView({ id: "another", type: "group", title: "Choir" });
    expect(await chatOf("another", patient())).toMatchObject({ title: "Choir" });
  });

  it.each([
    ["without a network", async () => Promise.reject(new TypeError("failed to fetch"))],
    ["where something else answers", async () => new Response("<h1>Please sign in to the hotel</h1>")],
  ])("has no name %s", async (_, answer) => {
    vi.stubGlobal("fetch", answer);
    expect(await chatOf("g", patient())).toBeNull();
  });

  it("has no name when the answer takes too long", async () => {
    const asking = vi.fn();
    vi.stubGlobal("fetch", (_: string, { signal }: { signal: AbortSignal }) => {
      asking();
      return new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      });
    });
    const late = new AbortController();
    const title = chatOf("g", late.signal);
    await vi.waitFor(() => expect(asking).toHaveBeenCalled());
    late.abort(new DOMException("too late", "TimeoutError"));
    expect(await title).toBeNull();
  });
});

describe("the session that a worker is lent", () => {
  it("is gone with whoever signs out: nothing is asked in their name", async () => {
    signedOut();
    await lendIt();
    expect(await chatOf("g", patient())).toBeNull();
    expect(node.asked).toEqual([]);
  });

  it("is not there when notifications are not wanted", async () => {
    await lendSession(() => false, lend);
    expect(await chatOf("g", patient())).toBeNull();
    expect(node.asked).toEqual([]);
  });

  it("is there as long as notifications are on, and is the page's newest", async () => {
    await lend(null);
    vi.stubGlobal("Notification", { permission: "granted" });
    vi.stubGlobal("PushManager", class {});
    vi.stubGlobal("navigator", { locks: navigator.locks, serviceWorker: {} });
    const end = keepLent();
    prefer({ enabled: true });
    await expect.poll(() => lentToken(patient())).toBe("access-1");
    signedIn(view("access-9", "refresh-9"));
    await expect.poll(() => lentToken(patient())).toBe("access-9");
    prefer({ enabled: false });
    await expect.poll(() => lentToken(patient())).toBeNull();
    end();
  });

  it("goes on when the access token has run out, in the one exchange that a page makes too", async () => {
    signedIn(view("access-1", "refresh-1", -MINUTE));
    await lendIt();
    expect(await chatOf("g", patient())).toMatchObject({ title: "Picnic" });
    expect(await chatOf("d", patient())).toMatchObject({ title: "Ben" });
    expect(node.asked.filter((path) => path.endsWith("/refresh"))).toHaveLength(1);
    // The page has not heard of it.
    expect(await accessToken()).toBe("access-2");
    expect(sessionStore.getState().session).toMatchObject({ refreshToken: "refresh-2" });
    expect(node.exchanges.size).toBe(1);
  });

  it("goes on when the token is refused though it should be good", async () => {
    node.good = "access-2";
    expect(await chatOf("g", patient())).toMatchObject({ title: "Picnic" });
    expect(node.asked).toEqual(["/api/v1/chats/g", "/api/v1/auth/refresh", "/api/v1/chats/g"]);
  });

  it("ends without a name when it was revoked, and signs nobody out here", async () => {
    node.good = "none";
    node.exchanges.add("another exchange");
    expect(await chatOf("g", patient())).toBeNull();
    expect(sessionStore.getState().session).not.toBeNull();
  });

  it("is not put back by an answer that comes after it was taken away", async () => {
    signedIn(view("access-1", "refresh-1", -MINUTE));
    await lendIt();
    vi.stubGlobal("fetch", async (path: string, init: RequestInit) => {
      const answer = await node.fetch(path, init);
      await lend(null);
      return answer;
    });
    await chatOf("g", patient());
    node.asked = [];
    vi.stubGlobal("fetch", node.fetch);
    expect(await chatOf("d", patient())).toBeNull();
    expect(node.asked).toEqual([]);
  });
});
