/**
 * The official Phoenix client as a transport. One `Socket` for all connections, because each adds listeners to the page for good. Its own
 * reconnecting is never let happen: once a connection is gone the socket is disconnected and its channels are removed.
 */
import { type Channel, LongPoll, Socket, type SocketConnectOption } from "phoenix";
import type { Refusal } from "@/types/socket";
import { RealtimeError } from "../realtime";
import type { Closed, Connection, ConnectionListener, Topic, TopicListener, Transport } from "./transport";

const JOIN_MS = 30_000;
const ANSWER_MS = 15_000;
const HEARTBEAT_MS = 20_000;
/** A WebSocket that has not opened after so long is given up for long-polling. */
const FALLBACK_MS = 2_500;
const NEVER_MS = 2_147_483_647;
const FORBIDDEN = 1008;
const SIGNED_OUT = 4001;

type TransportClass = SocketConnectOption["transport"];

export interface PhoenixOptions {
  /** `WebSocket` with a fall-back to long-polling, or one of them alone. */
  carrier?: "either" | "websocket" | "longpoll";
  /** What opens WebSockets, where it is not the global one. */
  webSocket?: unknown;
}

/** @param address of the socket: `/socket` of the page's own origin, or with a host. */
export function phoenixTransport(address: string, options: PhoenixOptions = {}): Transport {
  const { carrier = "either" } = options;
  const webSocket = (options.webSocket ?? (globalThis as { WebSocket?: unknown }).WebSocket) as
    | TransportClass
    | undefined;
  let token = "";
  const socket = new Socket(address, {
    // The package takes a function, though its types do not say so.
    authToken: (() => token) as unknown as string,
    heartbeatIntervalMs: HEARTBEAT_MS,
    timeout: ANSWER_MS,
    reconnectAfterMs: () => NEVER_MS,
    rejoinAfterMs: () => NEVER_MS,
    ...(carrier === "longpoll" || webSocket === undefined
      ? { transport: LongPoll }
      : { transport: webSocket }),
    ...(carrier === "either" ? { longPollFallbackMs: FALLBACK_MS } : {}),
  });
  let current: PhoenixConnection | null = null;
  let hasOpened = false;
  socket.onOpen(() => {
    hasOpened = true;
    current?.opened();
  });
  socket.onClose((event) => current?.gone(event.code));

  return {
    connect(newToken, listener) {
      current?.close();
      token = newToken;
      // A node that was away for a moment is no reason to poll for ever: only who never had a WebSocket stays with polling.
      if (carrier === "either" && webSocket !== undefined && hasOpened) socket.replaceTransport(webSocket);
      const connection = new PhoenixConnection(socket, listener, () => {
        if (current === connection) current = null;
      });
      current = connection;
      socket.connect();
      return () => connection.close();
    },
  };
}

class PhoenixConnection implements Connection {
  private readonly channels = new Map<Channel, PhoenixTopic>();
  private state: "connecting" | "open" | "closed" = "connecting";

  constructor(
    private readonly socket: Socket,
    private readonly listener: ConnectionListener,
    private readonly ended: () => void,
  ) {}

  opened(): void {
    if (this.state !== "connecting") return;
    this.state = "open";
    this.listener.opened(this);
  }

  /** The socket's connection is closed. */
  gone(code: number): void {
    if (this.state === "closed") return;
    const why: Closed =
      code === FORBIDDEN || code === SIGNED_OUT ? "refused" : this.state === "open" ? "lost" : "failed";
    this.close();
    this.listener.closed(why);
  }

  join(name: string, payload: object, listener: TopicListener): Topic {
    if (this.state !== "open") throw new Error("a join on a connection that is not open");
    const channel = this.socket.channel(name, payload);
    const topic = new PhoenixTopic(channel, listener, () => {
      this.channels.delete(channel);
      this.socket.remove(channel);
    });
    this.channels.set(channel, topic);
    return topic;
  }

  close(): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.ended();
    this.socket.disconnect();
    for (const topic of [...this.channels.values()]) topic.leave();
  }
}

class PhoenixTopic implements Topic {
  private readonly waiting = new Set<(error: RealtimeError) => void>();
  private over = false;

  constructor(
    private readonly channel: Channel,
    private readonly listener: TopicListener,
    private readonly remove: () => void,
  ) {
    channel.onMessage = (name: string, payload: unknown) => {
      if (!this.over && !name.startsWith("phx_") && !name.startsWith("chan_reply_"))
        listener.event(name, payload);
      return payload;
    };
    channel.onError(() => this.end(new RealtimeError("unavailable", "the server has dropped the topic")));
    channel.onClose(() => this.end(new RealtimeError("not_joined", "the server has closed the topic")));
    channel
      .join(JOIN_MS)
      .receive("ok", (answer: unknown) => {
        if (!this.over) listener.joined(answer);
      })
      .receive("error", (refusal: Refusal) => this.end(refused(refusal)))
      .receive("timeout", () => this.end(new RealtimeError("timeout", "joining was not answered")));
  }

  push(event: string, payload: object): Promise<unknown> {
    if (this.over) return Promise.reject(lost());
    return new Promise((resolve, reject) => {
      const fail = (error: RealtimeError) => {
        this.waiting.delete(fail);
        reject(error);
      };
      this.waiting.add(fail);
      this.channel
        .push(event, payload, ANSWER_MS)
        .receive("ok", (answer: unknown) => {
          this.waiting.delete(fail);
          resolve(answer);
        })
        .receive("error", (refusal: Refusal) => fail(refused(refusal)))
        .receive("timeout", () => fail(new RealtimeError("timeout", "the server does not answer")));
    });
  }

  /** Also after an error: it ends the channel's own timers, which would join or leave once more. */
  leave(): void {
    if (this.over) return;
    this.over = true;
    this.channel.leave();
    this.remove();
    for (const fail of [...this.waiting]) fail(lost());
  }

  private end(error: RealtimeError): void {
    if (this.over) return;
    this.leave();
    this.listener.ended(error);
  }
}

const lost = () => new RealtimeError("offline", "there is no connection");

function refused(refusal: Partial<Refusal>): RealtimeError {
  return new RealtimeError(
    refusal.code ?? "unknown",
    refusal.message ?? "the server has refused",
    refusal.retry_after_ms ?? null,
  );
}
