/** The exchange of a refresh token, as pages and the service worker ask for it: under one name it is one, however often it is asked for (docs/web.md). */

export interface Exchangeable {
  refreshToken: string;
  exchange: string;
}

/** @throws TypeError when the server does not answer, or the signal's reason */
export function askExchange(
  { refreshToken, exchange }: Exchangeable,
  signal: AbortSignal,
): Promise<Response> {
  return fetch("/api/v1/auth/refresh", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ refresh_token: refreshToken, exchange }),
    signal,
  });
}
