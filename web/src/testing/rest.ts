/** A server's REST side for tests of components: what is asked is answered by the test, and written down. */
import { vi } from "vitest";
import { signedIn } from "@/auth/session";
import { aUser } from "./realtime";

export interface Asked {
  /** `"PUT /api/v1/chats/c1/pin"` */
  call: string;
  query: URLSearchParams;
  body: unknown;
}

type Answerer = (asked: Asked) => { status?: number; body?: unknown };

/** A refusal as the server words it. */
export function refusal(status: number, code: string, errors: { field: string; message: string }[] = []) {
  return { status, body: { title: code, status, code, detail: code, errors } };
}

/**
 * Signs somebody in and answers their calls; what has no answer here fails the call, as a server that is not there would.
 *
 * @returns what has been asked, in order
 */
export function serveRest(answers: Record<string, Answerer>): Asked[] {
  const asked: Asked[] = [];
  signedIn({
    user: aUser(),
    device_id: "d1",
    access_token: "token",
    access_expires_at: new Date(Date.now() + 900_000).toISOString(),
    refresh_token: "refresh",
  });
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input) => {
    const request = input as Request;
    const { pathname, searchParams } = new URL(request.url);
    const text = await request.text();
    const one: Asked = {
      call: `${request.method} ${pathname}`,
      query: searchParams,
      body: text === "" ? undefined : JSON.parse(text),
    };
    asked.push(one);
    const answer = answers[one.call]?.(one);
    if (answer === undefined) throw new TypeError(`nothing answers ${one.call}`);
    const { status = answer.body === undefined ? 204 : 200, body } = answer;
    return new Response(body === undefined ? null : JSON.stringify(body), {
      status,
      headers: { "Content-Type": status < 400 ? "application/json" : "application/problem+json" },
    });
  });
  return asked;
}
