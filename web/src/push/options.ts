/** How a notice is handed to the browser. */
import type { Notice } from "./notice";

/** What browsers know beyond TypeScript's own types. */
export type ShownOptions = NotificationOptions & { renotify?: boolean; timestamp?: number };

export function optionsOf(notice: Notice, language: string): ShownOptions {
  return {
    body: notice.body,
    tag: notice.tag,
    // A further message of the same chat is news again, though it takes the old notification's place.
    renotify: true,
    icon: "/icons/icon-192.png",
    badge: "/icons/badge-96.png",
    lang: language,
    dir: "auto",
    data: { chatId: notice.chatId, seq: notice.seq },
  };
}
