import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { SessionOver, sessionStore, signedIn, signedOut } from "@/auth/session";
import { ApiError, api, ok } from "./client";

const asked: Request[] = [];
let answers: ((request: Request) => Response)[] = [];

const problem = (status: number, code: string, more = {}) =>
  Response.json(
    { title: "t", status, code, detail: `about ${code}`, ...more },
    { status, headers: { "Content-Type": "application/problem+json" } },
  );

beforeEach(() => {
  asked.length = 0;
  answers = [];
  vi.stubGlobal("fetch", async (input: Request | string, init?: RequestInit) => {
    const request = new Request(new URL(typeof input === "string" ? input : input.url, "http://local"), {
      ...(typeof input === "string" ? init : { method: input.method, headers: input.headers }),
    });
    asked.push(request);
    const answer = answers.shift();
    if (answer === undefined) throw new Error("asked once too often");
    return answer(request);
  });
  signedIn({
    user: { id: "u1" },
    device_id: "d1",
    access_token: "old",
    access_expires_at: new Date(Date.now() + 900_000).toISOString(),
    refresh_token: "refresh",
  } as Parameters<typeof signedIn>[0]);
});

afterEach(() => {
  vi.unstubAllGlobals();
  signedOut();
});

const refreshed = () =>
  Response.json({
    user: { id: "u1" },
    device_id: "d1",
    access_token: "new",
    access_expires_at: new Date(Date.now() + 900_000).toISOString(),
    refresh_token: "refresh-2",
  });

const devices = () => ok(api.GET("/api/v1/devices", { baseUrl: "http://local" }));

describe("a call", () => {
  test("carries the token", async () => {
    answers = [() => Response.json({ items: [] })];
    await devices();
    expect(asked[0]?.headers.get("Authorization")).toBe("Bearer old");
  });

  test("is made once more with a new token when the old one is refused", async () => {
    answers = [() => problem(401, "token_expired"), refreshed, () => Response.json({ items: [] })];
    await expect(devices()).resolves.toEqual({ items: [] });
    expect(asked.map((request) => new URL(request.url).pathname)).toEqual([
      "/api/v1/devices",
      "/api/v1/auth/refresh",
      "/api/v1/devices",
    ]);
    expect(asked[2]?.headers.get("Authorization")).toBe("Bearer new");
  });

  test("of a device that has been signed out elsewhere ends the session here", async () => {
    answers = [() => problem(401, "unauthenticated"), () => problem(401, "unauthenticated")];
    await expect(devices()).rejects.toThrow(SessionOver);
    expect(sessionStore.getState()).toEqual({ session: null, lost: true });
  });

  test("with a wrong password ends nothing", async () => {
    answers = [() => problem(401, "bad_credentials")];
    await expect(devices()).rejects.toMatchObject({ code: "bad_credentials", status: 401 });
    expect(sessionStore.getState().session?.accessToken).toBe("old");
  });
});

describe("a refusal", () => {
  test("has its code, its fields and when to try again", async () => {
    answers = [() => problem(422, "invalid", { errors: [{ field: "name", message: "is empty" }] })];
    const error: unknown = await devices().catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 422, code: "invalid", message: "about invalid" });
    expect((error as ApiError).fields.get("name")).toBe("is empty");
  });

  test("by something in front of the server has no code of its own", async () => {
    answers = [() => new Response("<h1>Bad gateway</h1>", { status: 502, headers: { "Retry-After": "3" } })];
    await expect(devices()).rejects.toMatchObject({ code: "unavailable", retryAfterMs: 3_000 });
  });
});
