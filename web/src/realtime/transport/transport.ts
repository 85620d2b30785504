/**
 * What carries topics and events: a port. A transport makes one connection at a time and never connects by itself: when to try (again) is
 * `Connector`'s decision, so that it is the same for all transports.
 */
import type { RealtimeError } from "../realtime";

export interface TopicListener {
  /** The join was answered; events follow, none came before. */
  joined(answer: unknown): void;
  event(name: string, payload: unknown): void;
  /** The join was refused or not answered, or the topic has ended while the connection goes on. Nothing more comes. */
  ended(error: RealtimeError): void;
}

export interface Topic {
  /**
   * Pushes, and waits for the answer. Pushes reach the server in the order in which they were made.
   *
   * @throws RealtimeError: the server's refusal, `timeout` if it does not answer, `offline` if the connection is lost before it does.
   */
  push(event: string, payload: object): Promise<unknown>;
  leave(): void;
}

export interface Connection {
  join(topic: string, payload: object, listener: TopicListener): Topic;
  /** Ends the connection; its listeners hear nothing more. */
  close(): void;
}

/** `refused`: the server does not take the token, or the device has been signed out. `failed`: there was no connection. `lost`: there was one. */
export type Closed = "refused" | "failed" | "lost";

export interface ConnectionListener {
  opened(connection: Connection): void;
  /** Comes once, before or after `opened`; not after `close()`. */
  closed(why: Closed): void;
}

export interface Transport {
  /** Begins to connect; what it returns gives that up, or ends the connection. */
  connect(token: string, listener: ConnectionListener): () => void;
}
