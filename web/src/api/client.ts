/** The REST side, typed by the server's own document. */
import createClient, { type Middleware } from "openapi-fetch";
import { accessToken } from "@/auth/session";
import type { components, paths } from "@/types/openapi";

type Problem = components["schemas"]["Problem"];

/** The server refused. `code` is stable and for programs; `fields` says which fields are wrong and why. */
export class ApiError extends Error {
  override name = "ApiError";
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly fields: ReadonlyMap<string, string>,
    readonly retryAfterMs: number | null,
  ) {
    super(message);
  }
}

/** Calls which make a session, and need none. */
const OPEN = new Set(["/api/v1/auth/signup", "/api/v1/auth/login", "/api/v1/auth/refresh"]);

/** The token is refused, as opposed to a password. */
const TOKEN_REFUSED = new Set(["unauthenticated", "token_expired"]);

const authorised: Middleware = {
  async onRequest({ request, schemaPath }) {
    if (OPEN.has(schemaPath)) return undefined;
    request.headers.set("Authorization", `Bearer ${await accessToken()}`);
    return request;
  },
};

/** Asks again, once, with another token if it was the token that was refused: the clock of this browser may be wrong, or the keys have changed. */
async function send(request: Request): Promise<Response> {
  const refused = request.headers.get("Authorization")?.replace(/^Bearer /, "");
  if (refused === undefined) return globalThis.fetch(request);
  const again = request.clone();
  const response = await globalThis.fetch(request);
  if (response.status !== 401 || !TOKEN_REFUSED.has(await codeOf(response))) return response;
  again.headers.set("Authorization", `Bearer ${await accessToken(refused)}`);
  return globalThis.fetch(again);
}

async function codeOf(response: Response): Promise<string> {
  if (!(response.headers.get("Content-Type") ?? "").includes("json")) return "";
  return ((await response.clone().json()) as Partial<Problem>).code ?? "";
}

export const api = createClient<paths>({ baseUrl: globalThis.location?.origin ?? "", fetch: send });
api.use(authorised);

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** What a call was answered. @throws ApiError */
export async function ok<T>(call: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await call;
  if (response.ok) return data as T;
  throw problem(error, response);
}

function problem(error: unknown, response: Response): ApiError {
  const body: Partial<Problem> = typeof error === "object" && error !== null ? error : {};
  const after = Number(response.headers.get("Retry-After"));
  return new ApiError(
    response.status,
    body.code ?? (response.status >= 500 ? "unavailable" : "unknown"),
    body.detail ?? body.title ?? response.statusText,
    new Map((body.errors ?? []).map(({ field, message }) => [field, message])),
    body.retry_after_ms ?? (after > 0 ? after * 1_000 : null),
  );
}
