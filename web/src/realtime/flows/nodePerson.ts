/** Somebody with an account on a running node, and a device that keeps what it has in memory. */
import { timedFrames } from "@/testing/frames";
import { SwitchedNetwork } from "@/testing/server/device";
import { Holder } from "@/testing/server/holder";
import type { components } from "@/types/openapi";
import { createRealtime } from "../client";
import { type RealtimeClient, RealtimeError } from "../realtime";
import type { Rest } from "../rest";
import { MemoryStorage } from "../storage/memory";
import { soloTab } from "../tabs/tabs";
import { type PhoenixOptions, phoenixTransport } from "../transport/phoenix";
import type { FlowDevice } from "./world";

type SessionView = components["schemas"]["SessionView"];

export async function post<T>(url: string, path: string, token: string | null, body: object): Promise<T> {
  return ask<T>(url, path, token, { method: "POST", body: JSON.stringify(body) });
}

async function ask<T>(
  url: string,
  path: string,
  token: string | null,
  init: { method?: string; body?: string } = {},
): Promise<T> {
  const headers = {
    "Content-Type": "application/json",
    ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
  };
  let answer: Response;
  try {
    answer = await fetch(`${url}/api/v1${path}`, { ...init, headers });
  } catch (error) {
    throw new RealtimeError("offline", String(error));
  }
  if (answer.ok) return (await answer.json()) as T;
  const { code = "unknown", detail = "" } = (await answer.json()) as { code?: string; detail?: string };
  throw new RealtimeError(code, `${path}: ${answer.status} ${detail}`);
}

function restOf(url: string, token: string): Rest {
  const get = <T>(path: string) => ask<T>(url, path, token);
  return {
    page: (chatId, query) => {
      const params = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
      return get(`/chats/${chatId}/messages?${params}`);
    },
    chat: (chatId) => get(`/chats/${chatId}`),
    members: async (chatId, limit) =>
      (await get<{ items: [] }>(`/chats/${chatId}/members?limit=${limit}`)).items,
    people: async (ids) =>
      (await get<{ items: [] }>(`/users?${new URLSearchParams(ids.map((id) => ["id", id]))}`)).items,
  };
}

export class NodePerson extends Holder implements FlowDevice {
  readonly userId: string;
  readonly token: string;
  readonly network = new SwitchedNetwork();
  client: RealtimeClient;
  private readonly storage = new MemoryStorage();

  constructor(
    private readonly url: string,
    session: SessionView,
    private readonly options: PhoenixOptions,
  ) {
    super();
    this.userId = session.user.id;
    this.token = session.access_token;
    this.client = this.make();
  }

  private make(): RealtimeClient {
    return createRealtime(this.userId, {
      transport: phoenixTransport(`${this.url.replace(/^http/, "ws")}/socket`, this.options),
      network: this.network,
      rest: restOf(this.url, this.token),
      storage: this.storage,
      tabs: soloTab(),
      frames: timedFrames,
      accessToken: async () => this.token,
      upload: () => Promise.reject(new Error("no flow uploads")),
      newId: () => crypto.randomUUID(),
    });
  }

  async reload(): Promise<void> {
    await this.client.stop();
    this.client = this.make();
    await this.client.start();
  }
}
