/** What notifications do while somebody is signed in, and when they are not any more. */
import { lendSession, sessionStore } from "@/auth/session";
import type { Language } from "@/i18n";
import type { RealtimeClient } from "@/realtime/realtime";
import { forgetAll, keepShown } from "./known";
import { lend } from "./lent";
import { startNotices } from "./notices";
import { preferences } from "./preferences";
import { keepBadge, rememberChats, showBadge } from "./remember";
import { dropSubscription, permission, subscribe } from "./subscription";

/** The subscription that is wanted is there, and the server has it: it may have been lost by either since. */
export async function renewSubscription(): Promise<void> {
  if (sessionStore.getState().session === null) return;
  if (!preferences.getState().enabled || permission() !== "granted") return;
  await subscribe();
}

/** Returns what ends it. */
export function startNotifications(client: RealtimeClient): () => void {
  const ends = [startNotices(client), rememberChats(client), keepBadge(client), keepLent()];
  // Without a network it is done the next time; nothing waits for it.
  renewSubscription().catch(() => undefined);
  return () => {
    for (const end of ends) end();
  };
}

/** Has the service worker able to ask what a chat is called, as long as notifications are on. Returns what ends it. */
export function keepLent(): () => void {
  const write = () => void lendNow();
  write();
  const ends = [sessionStore.subscribe(write), preferences.subscribe(write)];
  return () => {
    for (const end of ends) end();
  };
}

function lendNow(): Promise<void> {
  return lendSession(() => preferences.getState().enabled && permission() === "granted", lend);
}

/** Has the service worker speak this language and show as much as somebody has chosen. Returns what ends it. */
export function keepShownAs(language: Language): () => void {
  const write = () => void keepShown({ language, preview: preferences.getState().preview });
  write();
  return preferences.subscribe(write);
}

/**
 * Nothing of whoever was signed in is left on the screen, on the icon or in what the service worker reads, and nothing more is pushed for
 * them. The server removes a device's subscriptions when it is signed out.
 */
export async function forgetNotifications(): Promise<void> {
  showBadge(0);
  const registration = await navigator.serviceWorker?.getRegistration();
  for (const shown of (await registration?.getNotifications()) ?? []) shown.close();
  await Promise.all([forgetAll(), lendNow(), dropSubscription()]);
}

/** Has it done at the end of every session: by signing out, in this tab or another, or because it was revoked. */
export function forgetAtSignOut(): () => void {
  return sessionStore.subscribe((now, before) => {
    if (now.session === null && before.session !== null) void forgetNotifications();
  });
}
