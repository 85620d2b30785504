/** The service worker's view of the pages that are open. */
import { chatPath } from "@/app/place";
import { isAnswer, type Question } from "./messages";

/** A page that has been asked and is busy is not waited for longer: somebody may be waiting for the notification. */
const ANSWER_MS = 500;

export const pressPath = (chatId: string | null): string => (chatId === null ? "/" : chatPath(chatId));

/**
 * Whether somebody looks at this chat right now. The page is asked: the address that a worker sees of it may be the one that it was
 * opened with.
 */
export async function isShowing(clients: Clients, chatId: string): Promise<boolean> {
  const pages = await clients.matchAll({ type: "window", includeUncontrolled: true });
  const focused = pages.filter((page) => page.focused);
  const answers = await Promise.all(focused.map((page) => ask(page, { type: "SHOWING", chatId })));
  return answers.some((answer) => answer);
}

function ask(page: Client, question: Question): Promise<boolean> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    const late = setTimeout(() => resolve(false), ANSWER_MS);
    port1.onmessage = ({ data }) => {
      clearTimeout(late);
      resolve(isAnswer(data) && data.showing);
    };
    page.postMessage(question, [port2]);
  });
}

/** Brings the app to the front, at the chat: a page that is open and listens is not reloaded for it. */
export async function openChat(clients: Clients, chatId: string | null): Promise<void> {
  const pages = await clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = pages.find((each) => each.focused) ?? pages[0];
  const path = pressPath(chatId);
  if (page === undefined) {
    await clients.openWindow(path);
    return;
  }
  await page.focus();
  if (await ask(page, { type: "OPEN", path })) return;
  // It was just being loaded, and does not listen yet. One that this worker does not control cannot be led on; it is in front at least.
  await page.navigate(path).catch(() => null);
}
