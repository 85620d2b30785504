import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

type SessionModule = typeof import("./session");

const MINUTE = 60_000;

/** A server that takes a refresh token once, and ends the session of whoever uses one twice. */
class Server {
  valid = "refresh-1";
  spent = new Set<string>();
  refreshes = 0;
  /** What it does instead of answering. */
  trouble: (() => Promise<Response>) | null = null;

  fetch = vi.fn(async (_: string, init: { body: string }): Promise<Response> => {
    if (this.trouble !== null) return this.trouble();
    const { refresh_token: token } = JSON.parse(init.body) as { refresh_token: string };
    if (token !== this.valid) {
      this.valid = "";
      return Response.json({ code: "refresh_reused" }, { status: 401 });
    }
    this.refreshes += 1;
    this.spent.add(token);
    this.valid = `refresh-${this.refreshes + 1}`;
    return Response.json(view(`access-${this.refreshes + 1}`, this.valid));
  });
}

function view(access: string, refresh: string, deviceId = "d1") {
  return {
    user: { id: "u1" },
    device_id: deviceId,
    access_token: access,
    access_expires_at: new Date(Date.now() + 15 * MINUTE).toISOString(),
    refresh_token: refresh,
  } as Parameters<SessionModule["signedIn"]>[0];
}

/** What the browser gives to all tabs together. */
function locks() {
  let last: Promise<unknown> = Promise.resolve();
  return {
    request: (_: string, act: () => Promise<unknown>) => {
      const result = last.then(act, act);
      last = result.catch(() => undefined);
      return result;
    },
  };
}

/** A tab: a module of its own, over the same storage. */
async function tab(): Promise<SessionModule> {
  vi.resetModules();
  return import("./session");
}

let server: Server;

beforeEach(() => {
  localStorage.clear();
  server = new Server();
  vi.useFakeTimers({ now: Date.parse("2026-01-01T12:00:00Z") });
  vi.stubGlobal("fetch", server.fetch);
  vi.stubGlobal("navigator", { ...navigator, locks: locks() });
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("an access token", () => {
  test("is used as long as it is good", async () => {
    const { signedIn, accessToken } = await tab();
    signedIn(view("access-1", "refresh-1"));
    expect(await accessToken()).toBe("access-1");
    vi.advanceTimersByTime(14 * MINUTE);
    expect(await accessToken()).toBe("access-1");
    expect(server.refreshes).toBe(0);
  });

  test("is exchanged before it expires, once for all who ask", async () => {
    const { signedIn, accessToken } = await tab();
    signedIn(view("access-1", "refresh-1"));
    vi.advanceTimersByTime(15 * MINUTE);
    expect(await Promise.all([accessToken(), accessToken(), accessToken()])).toEqual(
      Array(3).fill("access-2"),
    );
    expect(server.refreshes).toBe(1);
  });

  test("is exchanged once for two tabs that ask at the same time", async () => {
    const one = await tab();
    one.signedIn(view("access-1", "refresh-1"));
    const other = await tab();
    vi.advanceTimersByTime(15 * MINUTE);
    expect(await Promise.all([one.accessToken(), other.accessToken()])).toEqual(["access-2", "access-2"]);
    expect(server.refreshes).toBe(1);
    expect(other.sessionStore.getState().session?.refreshToken).toBe("refresh-2");
  });

  test("that the server has refused is not given again", async () => {
    const { signedIn, accessToken } = await tab();
    signedIn(view("access-1", "refresh-1"));
    expect(await accessToken("access-1")).toBe("access-2");
    expect(await accessToken("access-1")).toBe("access-2");
    expect(server.refreshes).toBe(1);
  });
});

describe("a session", () => {
  test.each([
    ["the network is away", () => Promise.reject(new TypeError("failed to fetch"))],
    ["the server has trouble", () => Promise.resolve(new Response("", { status: 503 }))],
    ["there were too many", () => Promise.resolve(new Response("", { status: 429 }))],
  ])("goes on when %s", async (_, trouble) => {
    const { signedIn, accessToken, sessionStore } = await tab();
    signedIn(view("access-1", "refresh-1"));
    vi.advanceTimersByTime(15 * MINUTE);
    server.trouble = trouble;
    await expect(accessToken()).rejects.toThrow(TypeError);
    expect(sessionStore.getState()).toMatchObject({ session: { refreshToken: "refresh-1" }, lost: false });
    server.trouble = null;
    expect(await accessToken()).toBe("access-2");
  });

  test("that the server has ended is over, and known to be lost", async () => {
    const { signedIn, accessToken, sessionStore, SessionOver } = await tab();
    signedIn(view("access-1", "revoked"));
    await expect(accessToken("access-1")).rejects.toThrow(SessionOver);
    expect(sessionStore.getState()).toEqual({ session: null, lost: true });
    expect(localStorage.getItem("session")).toBeNull();
  });

  test("that its owner has ended is not lost", async () => {
    const { signedIn, signedOut, sessionStore } = await tab();
    signedIn(view("access-1", "refresh-1"));
    signedOut();
    expect(sessionStore.getState()).toEqual({ session: null, lost: false });
  });

  test("that began while another one was being refreshed is not ended by that", async () => {
    const { signedIn, accessToken, sessionStore, SessionOver } = await tab();
    signedIn(view("access-1", "revoked"));
    server.trouble = async () => {
      signedIn(view("access-9", "refresh-9", "d2"));
      return Response.json({ code: "unauthenticated" }, { status: 401 });
    };
    await expect(accessToken("access-1")).rejects.toThrow(SessionOver);
    expect(sessionStore.getState().session?.refreshToken).toBe("refresh-9");
  });

  test("ends in every tab", async () => {
    const one = await tab();
    one.signedIn(view("access-1", "refresh-1"));
    const other = await tab();
    one.signedOut();
    window.dispatchEvent(new StorageEvent("storage", { key: "session" }));
    expect(other.sessionStore.getState().session).toBeNull();
  });

  test.each(["", "{", "[]", '"x"', '{"userId":"u1"}', "null"])("is none when %j is kept", async (kept) => {
    localStorage.setItem("session", kept);
    expect((await tab()).sessionStore.getState().session).toBeNull();
  });
});

test("without Web Locks a tab keeps order by itself", async () => {
  vi.stubGlobal("navigator", { ...navigator, locks: undefined });
  const { signedIn, accessToken } = await tab();
  signedIn(view("access-1", "refresh-1"));
  vi.advanceTimersByTime(15 * MINUTE);
  expect(await Promise.all([accessToken(), accessToken()])).toEqual(["access-2", "access-2"]);
  expect(server.refreshes).toBe(1);
});
