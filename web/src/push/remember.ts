/** Writes down for the service worker what chats are called, as it changes; and keeps the number on the app's icon. */
import type { Chat, RealtimeClient, RealtimeState } from "@/realtime/realtime";
import { unreadCount } from "./alerts";
import { keepChats, knownIds } from "./known";
import type { KnownChat } from "./notice";

export function knownOf(chat: Chat, people: RealtimeState["people"]): KnownChat {
  const direct = chat.type === "direct";
  const title = direct ? (people.get(chat.peer_id ?? "")?.name ?? "") : chat.title;
  return { id: chat.id, title, direct };
}

/** What has to be written so that `kept` says the same as the state. */
export function changes(
  kept: ReadonlyMap<string, KnownChat>,
  { chats, people }: Pick<RealtimeState, "chats" | "people">,
): { changed: KnownChat[]; gone: string[] } {
  const changed: KnownChat[] = [];
  for (const chat of chats.values()) {
    const known = knownOf(chat, people);
    const there = kept.get(chat.id);
    if (there?.title !== known.title || there.direct !== known.direct) changed.push(known);
  }
  return { changed, gone: [...kept.keys()].filter((id) => !chats.has(id)) };
}

/** Changes come in bursts, above all at the start. */
const SETTLES_MS = 1_000;

/** Returns what ends it. */
export function rememberChats(client: RealtimeClient): () => void {
  const kept = new Map<string, KnownChat>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let ended = false;

  async function write(): Promise<void> {
    const state = client.state.getState();
    if (ended || !state.opened) return;
    const { changed, gone } = changes(kept, state);
    if (changed.length + gone.length === 0) return;
    for (const chat of changed) kept.set(chat.id, chat);
    for (const id of gone) kept.delete(id);
    await keepChats(changed, gone);
  }

  function later(): void {
    clearTimeout(timer);
    timer = setTimeout(() => void write(), SETTLES_MS);
  }

  // What was written by an earlier page is there with a title that is no title: it is written again, or removed.
  void knownIds().then((ids) => {
    for (const id of ids) if (!kept.has(id)) kept.set(id, { id, title: "\0", direct: false });
    later();
  });
  const unsubscribe = client.state.subscribe((now, before) => {
    if (now.chats !== before.chats || now.people !== before.people || now.opened !== before.opened) later();
  });
  return () => {
    ended = true;
    clearTimeout(timer);
    unsubscribe();
  };
}

/** What browsers have of the Badging API; a browser without it has no icon to show a number on. */
export function showBadge(count: number): void {
  if (!("setAppBadge" in navigator)) return;
  const shown = count > 0 ? navigator.setAppBadge(count) : navigator.clearAppBadge();
  // Refused where the app is not installed: there is no icon then either.
  shown.catch(() => undefined);
}

/** Returns what ends it. */
export function keepBadge(client: RealtimeClient, now: () => number = Date.now): () => void {
  let last = -1;
  const look = ({ chats }: RealtimeState) => {
    const count = unreadCount(chats.values(), now());
    if (count !== last) showBadge(count);
    last = count;
  };
  look(client.state.getState());
  return client.state.subscribe((state, before) => {
    if (state.chats !== before.chats) look(state);
  });
}
