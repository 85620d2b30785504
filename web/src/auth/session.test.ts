import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

type SessionModule = typeof import("./session");

const MINUTE = 60_000;

/** A server that takes a refresh token once, or again in the same exchange, and ends the session of whoever uses one twice. */
class Server {
  valid = "refresh-1";
  refreshes = 0;
  /** The last token that was spent, and the exchange in which it was. */
  private spent = { token: "", exchange: "" };
  /** What it does instead of answering. */
  trouble: ((body: string) => Promise<Response>) | null = null;

  fetch = vi.fn(async (_: string, init: { body: string }): Promise<Response> => {
    if (this.trouble !== null) return this.trouble(init.body);
    return this.exchange(init.body);
  });

  exchange(body: string): Response {
    const { refresh_token: token, exchange } = JSON.parse(body) as {
      refresh_token: string;
      exchange: string;
    };
    if (token === this.spent.token && exchange === this.spent.exchange)
      return Response.json(view(`access-${this.refreshes + 1}`, this.valid));
    if (token !== this.valid) {
      this.valid = "";
      return Response.json({ code: "refresh_reused" }, { status: 401 });
    }
    this.refreshes += 1;
    this.spent = { token, exchange };
    this.valid = `refresh-${this.refreshes + 1}`;
    return Response.json(view(`access-${this.refreshes + 1}`, this.valid));
  }
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

describe("an exchange whose answer is lost", () => {
  /** The server does what it is asked, and the answer does not come. */
  const losing = async (body: string): Promise<Response> => {
    server.exchange(body);
    throw new TypeError("failed to fetch");
  };

  test.each([
    ["after it was done", losing],
    ["before it was done", async () => Promise.reject(new TypeError("failed to fetch"))],
  ])("%s is repeated by the same tab, however often, and ends nothing", async (_, trouble) => {
    const { signedIn, accessToken, sessionStore } = await tab();
    signedIn(view("access-1", "refresh-1"));
    vi.advanceTimersByTime(15 * MINUTE);
    server.trouble = trouble;
    for (let tries = 0; tries < 3; tries += 1) await expect(accessToken()).rejects.toThrow(TypeError);
    server.trouble = null;
    expect(await accessToken()).toBe("access-2");
    expect(server.refreshes).toBe(1);
    expect(sessionStore.getState().session).toMatchObject({ refreshToken: "refresh-2" });
    vi.advanceTimersByTime(15 * MINUTE);
    expect(await accessToken()).toBe("access-3");
  });

  test("because the page is closed is repeated by the next page", async () => {
    const one = await tab();
    one.signedIn(view("access-1", "refresh-1"));
    vi.advanceTimersByTime(15 * MINUTE);
    server.trouble = (body) => {
      server.exchange(body);
      return new Promise(() => undefined);
    };
    void one.accessToken();
    await vi.advanceTimersByTimeAsync(0);
    server.trouble = null;
    // The browser lets go of what a page held.
    vi.stubGlobal("navigator", { ...navigator, locks: locks() });
    const next = await tab();
    expect(await next.accessToken()).toBe("access-2");
    expect(server.refreshes).toBe(1);
  });

  test("is repeated by another tab that waits for its turn", async () => {
    const one = await tab();
    one.signedIn(view("access-1", "refresh-1"));
    const other = await tab();
    vi.advanceTimersByTime(15 * MINUTE);
    server.trouble = (body) => {
      server.trouble = null;
      return losing(body);
    };
    const [lost, repeated] = await Promise.allSettled([one.accessToken(), other.accessToken()]);
    expect(lost.status).toBe("rejected");
    expect(repeated).toEqual({ status: "fulfilled", value: "access-2" });
  });

  test("has a name of its own, which nobody could guess", async () => {
    const { signedIn, accessToken } = await tab();
    signedIn(view("access-1", "refresh-1"));
    for (let exchanges = 0; exchanges < 3; exchanges += 1) {
      vi.advanceTimersByTime(15 * MINUTE);
      await accessToken();
    }
    const names = server.fetch.mock.calls.map(
      ([, { body }]) => (JSON.parse(body) as { exchange: string }).exchange,
    );
    expect(new Set(names).size).toBe(3);
    for (const name of names) expect(name).toMatch(/^[0-9a-f]{32}$/);
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
