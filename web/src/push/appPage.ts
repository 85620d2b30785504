/** The app's one page, for every address within it: from what is kept, so that it opens at once and without a network. */
import { getCacheKeyForURL, matchPrecache } from "workbox-precaching";
import { isPageOfApp } from "./routes";

const PAGE = "/index.html";
const POLICY = "Content-Security-Policy";

export function answerPage(event: FetchEvent): void {
  const { request } = event;
  const url = new URL(request.url);
  if (request.mode !== "navigate" || url.origin !== location.origin) return;
  if (!isPageOfApp(url.pathname) || getCacheKeyForURL(url.pathname) !== undefined) return;
  const kept = matchPrecache(PAGE);
  event.respondWith(kept.then((page) => page ?? fetch(request)));
  event.waitUntil(kept.then((page) => page && followPolicy(page.clone())));
}

/**
 * The page is kept with the policy that it came with, which names where files are. A server that is set up anew sends another one with the
 * same page: it holds from the next opening on. (Another page is another version, and comes with a worker of its own.)
 */
async function followPolicy(kept: Response): Promise<void> {
  const key = getCacheKeyForURL(PAGE);
  if (key === undefined) return;
  let now: Response;
  try {
    now = await fetch(PAGE, { cache: "no-cache" });
  } catch {
    return; // No network: what is kept will do.
  }
  if (!now.ok || now.headers.get(POLICY) === kept.headers.get(POLICY)) return;
  if ((await now.clone().text()) !== (await kept.text())) return;
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    if ((await cache.match(key)) !== undefined) await cache.put(key, now.clone());
  }
}
