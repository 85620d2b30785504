/**
 * This browser's subscription: made with the server's key, handed to the server, and taken back. Everything here may be done again; what is
 * right already stays.
 */
import { api, ok } from "@/api/client";

/** As far as notifications go, what this browser and whoever uses it let us do. `unsupported`: it has no Web Push (or none outside an installed app). */
export type Permission = "default" | "granted" | "denied" | "unsupported";

export function permission(): Permission {
  const able = "Notification" in globalThis && "serviceWorker" in navigator && "PushManager" in globalThis;
  return able ? Notification.permission : "unsupported";
}

/** @returns what was answered. Has to be called out of a click: browsers ask for nothing else. */
export async function askPermission(): Promise<Permission> {
  if (permission() === "default") await Notification.requestPermission();
  return permission();
}

export function keyBytes(base64url: string): Uint8Array<ArrayBuffer> {
  const base64 = base64url.replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

function sameKey(there: ArrayBuffer | null, wanted: Uint8Array): boolean {
  if (there === null) return false;
  const bytes = new Uint8Array(there);
  return bytes.length === wanted.length && bytes.every((byte, at) => byte === wanted[at]);
}

/**
 * Has this device notified. A subscription that was made with another key is of no use to the server, and is replaced.
 *
 * @throws ApiError, or a DOMException when the browser or its push service will not
 */
export async function subscribe(): Promise<void> {
  const { pushManager } = await navigator.serviceWorker.ready;
  const { key } = await ok(api.GET("/api/v1/push/key"));
  const applicationServerKey = keyBytes(key);
  let subscription = await pushManager.getSubscription();
  if (subscription !== null && !sameKey(subscription.options.applicationServerKey, applicationServerKey)) {
    await subscription.unsubscribe();
    subscription = null;
  }
  subscription ??= await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey });
  const { endpoint, keys, expirationTime } = subscription.toJSON();
  await ok(
    api.POST("/api/v1/push/subscriptions", {
      body: {
        endpoint: endpoint ?? subscription.endpoint,
        keys: { p256dh: keys?.p256dh ?? "", auth: keys?.auth ?? "" },
        expirationTime: expirationTime ?? null,
      },
    }),
  );
}

/** The browser's half of ending it: what is sent to the address after this is refused by the push service, and the server forgets it. */
export async function dropSubscription(): Promise<PushSubscription | null> {
  if (permission() === "unsupported") return null;
  const registration = await navigator.serviceWorker.getRegistration();
  const subscription = (await registration?.pushManager.getSubscription()) ?? null;
  await subscription?.unsubscribe();
  return subscription;
}

/** @throws ApiError when the server could not be told; the browser takes nothing any more all the same. */
export async function unsubscribe(): Promise<void> {
  const subscription = await dropSubscription();
  if (subscription === null) return;
  // In the body: an endpoint is a secret, and addresses end up in logs.
  await ok(api.DELETE("/api/v1/push/subscriptions", { body: { endpoint: subscription.endpoint } }));
}
