/**
 * The service worker: the app's own files, so that it opens without a network and what is kept on the device can be read; and notifications
 * while no page is open. It never keeps an answer of the API, nor a file that somebody sent: those have their own places and rules.
 */
import { cleanupOutdatedCaches, precacheAndRoute } from "workbox-precaching";
import { answerPage } from "./appPage";
import { chatOf, WITHIN_MS } from "./asking";
import { isShowing, openChat } from "./clients";
import { knownShown } from "./known";
import { noticeOf } from "./notice";
import { optionsOf } from "./options";
import { readPayload } from "./payload";
import { noticeWords } from "./words";

declare const self: ServiceWorkerGlobalScope & { __WB_MANIFEST: { url: string; revision: string | null }[] };

// Files by their names; without `directoryIndex`, "/" is a page like every other.
precacheAndRoute(self.__WB_MANIFEST, { directoryIndex: "" });
cleanupOutdatedCaches();

self.addEventListener("fetch", answerPage);

// A new version waits until somebody agrees to reload: a page never gets files of two versions.
self.addEventListener("message", (event) => {
  if (event.data?.type === "SKIP_WAITING") void self.skipWaiting();
});

self.addEventListener("push", (event) => event.waitUntil(notify(event.data?.text())));

async function notify(raw: string | undefined): Promise<void> {
  const payload = readPayload(raw);
  if (payload !== null && (await isShowing(self.clients, payload.chatId))) return;
  const [chat, shown] = await Promise.all([
    payload === null ? null : chatOf(payload.chatId, AbortSignal.timeout(WITHIN_MS)),
    knownShown(),
  ]);
  const notice = noticeOf(payload, chat, shown?.preview ?? false, noticeWords(shown?.language ?? "en"));
  await self.registration.showNotification(notice.title, optionsOf(notice, shown?.language ?? "en"));
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const chatId: unknown = event.notification.data?.chatId;
  event.waitUntil(openChat(self.clients, typeof chatId === "string" ? chatId : null));
});

// The push service has given the subscription up. A new one by the same key is made at once; only a page knows who is signed in, so it is
// a page that hands it to the server: one that is open now, else the next one.
self.addEventListener("pushsubscriptionchange", (event) => {
  const { oldSubscription } = event as unknown as { oldSubscription: PushSubscription | null };
  const options = oldSubscription?.options;
  if (options === undefined) return;
  const renewed = self.registration.pushManager.subscribe(options).then(async () => {
    for (const page of await self.clients.matchAll({ type: "window" })) {
      page.postMessage({ type: "PUSH_RENEWED" });
    }
  });
  (event as ExtendableEvent).waitUntil(renewed);
});
