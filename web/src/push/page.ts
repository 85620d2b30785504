/** A page's side of the service worker: registering it, offering a new version, and answering what it asks. */
import { navigate } from "wouter/use-browser-location";
import { inFront } from "./front";
import { type Answer, isQuestion } from "./messages";

/** How often a page that stays open looks for a new version. */
const LOOK_EVERY_MS = 60 * 60_000;

export interface PageEvents {
  /** There is a new version, which `reload` changes to. Nothing is reloaded without it, in this tab or in another. */
  onUpdate(reload: () => void): void;
  /** There is a new push subscription, to be handed to the server. */
  onRenewed(): void;
}

/** Whether the page shows this chat, its info included. */
export function shows(path: string, chatId: string): boolean {
  const [, chats, id] = path.split("/");
  return chats === "chats" && id !== undefined && decoded(id) === chatId;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function watchWorker(events: PageEvents): void {
  if (!("serviceWorker" in navigator)) return;
  const { serviceWorker } = navigator;
  serviceWorker.addEventListener("message", (event) => {
    const question: unknown = event.data;
    if (!isQuestion(question)) return;
    if (question.type === "SHOWING") {
      const answer: Answer = { showing: inFront() && shows(location.pathname, question.chatId) };
      event.ports[0]?.postMessage(answer);
    } else if (question.type === "OPEN") {
      navigate(question.path);
      event.ports[0]?.postMessage({ showing: true } satisfies Answer);
    } else {
      events.onRenewed();
    }
  });
  let agreed = false;
  let controlled = serviceWorker.controller !== null;
  serviceWorker.addEventListener("controllerchange", () => {
    if (agreed) location.reload();
    // Another tab has changed to the new version: what this one has yet to load is gone with the old one.
    else if (controlled) events.onUpdate(() => location.reload());
    controlled = true;
  });
  void register();

  async function register(): Promise<void> {
    let registration: ServiceWorkerRegistration;
    try {
      registration = await serviceWorker.register("/worker.js");
    } catch {
      // A browser that is told to have none (private windows of some): the app works, without being installed.
      return;
    }
    const offer = () => {
      const { waiting } = registration;
      if (waiting === null || serviceWorker.controller === null) return;
      events.onUpdate(() => {
        agreed = true;
        waiting.postMessage({ type: "SKIP_WAITING" });
      });
    };
    registration.addEventListener("updatefound", () => {
      const { installing } = registration;
      installing?.addEventListener("statechange", () => {
        if (installing.state === "installed") offer();
      });
    });
    offer();
    setInterval(() => {
      if (navigator.onLine) registration.update().catch(() => undefined);
    }, LOOK_EVERY_MS);
  }
}
