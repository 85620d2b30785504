/** Signing in, up and out, as calls. */
import { api, ok } from "@/api/client";
import type { RealtimeClient } from "@/realtime/realtime";
import { deviceName } from "./deviceName";
import { SessionOver, signedIn, signedOut } from "./session";

function device() {
  return { name: deviceName(navigator.userAgent), platform: "web" };
}

/** @throws ApiError, or TypeError where the server is not reached */
export async function signIn(phone: string, password: string): Promise<void> {
  signedIn(await ok(api.POST("/api/v1/auth/login", { body: { phone, password, device: device() } })));
}

/** @throws ApiError, or TypeError where the server is not reached */
export async function signUp(name: string, phone: string, password: string): Promise<void> {
  signedIn(await ok(api.POST("/api/v1/auth/signup", { body: { name, phone, password, device: device() } })));
}

/**
 * Ends the session on the server and removes everything that this browser has kept of it.
 *
 * @throws whatever kept the server from ending it: then nothing has been removed. `forced` goes on without the server.
 */
export async function signOut(client: RealtimeClient, { forced = false } = {}): Promise<void> {
  if (!forced) {
    try {
      await ok(api.POST("/api/v1/auth/logout"));
    } catch (error) {
      if (!(error instanceof SessionOver)) throw error;
    }
  }
  await forgetHere(client);
}

/** The session is over on the server: nothing of it stays in this browser. */
export async function forgetHere(client: RealtimeClient): Promise<void> {
  await client.forget();
  signedOut();
}
