/**
 * Keeps a connection up: when to try, with which token, when to wait and for how long. Says what it does as it is: `ConnectionState`.
 *
 * What is done with a connection is its owner's: `up` is called with each new one, and says by what it is given when the feed is joined.
 */
import { CONNECTING, pauseMs } from "./backoff";
import type { Network } from "./network";
import type { ConnectionState } from "./realtime";
import type { Closed, Connection, Transport } from "./transport/transport";

/** A refused token is exchanged for a new one once in so long: when it is something else that refuses, new ones do not help. */
const RENEW_EVERY_MS = 60_000;
/** Failures in a row after which the token is suspected: a browser does not say why a WebSocket did not open. */
const SUSPICIOUS = 2;

export interface ConnectorPorts {
  transport: Transport;
  network: Network;
  /** @throws an error named `SessionOver` when nobody is signed in any more; anything else is tried again */
  accessToken(refused?: string): Promise<string>;
}

export interface ConnectorOwner {
  up(connection: Connection): void;
  down(): void;
  state(state: ConnectionState): void;
}

export class Connector {
  private running = false;
  private attempt = 0;
  private failures = 0;
  private token: string | undefined;
  private suspected = false;
  private renewedAt = Number.NEGATIVE_INFINITY;
  private notBefore = 0;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private abandon: (() => void) | null = null;
  private isUp = false;
  private unwatch: () => void = () => undefined;

  constructor(
    private readonly ports: ConnectorPorts,
    private readonly owner: ConnectorOwner,
  ) {}

  start(): void {
    if (this.running) return;
    this.running = true;
    this.failures = 0;
    this.unwatch = this.ports.network.onChange((online) => this.networkChanged(online));
    if (this.ports.network.online) this.tryNow();
    else this.owner.state({ status: "offline" });
  }

  stop(): void {
    this.running = false;
    this.unwatch();
    this.end();
  }

  /** The feed is joined: what was wrong before is over. */
  joined(): void {
    this.failures = 0;
    this.suspected = false;
  }

  /** The connection is of no use: on to another one. */
  fail(retryAfterMs: number | null, why: Closed = "lost"): void {
    if (this.running) this.closed(why, retryAfterMs ?? 0);
  }

  /** The node asks to be left, and to come back after so long. */
  drain(reconnectAfterMs: number): void {
    this.notBefore = Date.now() + reconnectAfterMs;
    this.later(reconnectAfterMs, () => {
      this.end();
      this.tryNow();
    });
  }

  /** Somebody does not want to wait for the next try. */
  hurry(): void {
    if (!this.running || this.timer === null || this.abandon !== null || !this.ports.network.online) return;
    this.tryNow();
  }

  private networkChanged(online: boolean): void {
    if (!online) {
      this.end();
      this.owner.state({ status: "offline" });
    } else if (this.abandon === null) {
      this.failures = 0;
      this.tryNow();
    }
  }

  private end(): void {
    this.attempt += 1;
    this.cancelTimer();
    this.abandon?.();
    this.abandon = null;
    if (this.isUp) {
      this.isUp = false;
      this.owner.down();
    }
  }

  private tryNow(): void {
    this.cancelTimer();
    this.attempt += 1;
    const attempt = this.attempt;
    const current = () => this.running && this.attempt === attempt;
    this.abandon = () => undefined;
    this.owner.state({ status: "connecting", retryAt: null });
    void this.getToken().then(
      (token) => {
        if (!current()) return;
        this.token = token;
        this.abandon = this.ports.transport.connect(token, {
          opened: (connection) => {
            if (!current()) return;
            this.isUp = true;
            this.notBefore = 0;
            this.owner.up(connection);
          },
          closed: (why) => {
            if (current()) this.closed(why);
          },
        });
      },
      (error: unknown) => {
        if (!current()) return;
        if (error instanceof Error && error.name === "SessionOver") this.sessionOver();
        else this.closed("lost");
      },
    );
  }

  private getToken(): Promise<string> {
    if (!this.suspected || this.token === undefined) return this.ports.accessToken();
    this.suspected = false;
    this.renewedAt = Date.now();
    return this.ports.accessToken(this.token);
  }

  private sessionOver(): void {
    this.running = false;
    this.unwatch();
    this.end();
    this.owner.state({ status: "signed-out" });
  }

  private closed(why: Closed, atLeastMs = 0): void {
    this.end();
    this.failures += 1;
    const doubtful = why === "refused" || (why === "failed" && this.failures >= SUSPICIOUS);
    const mayRenew = Date.now() - this.renewedAt >= RENEW_EVERY_MS;
    this.suspected = doubtful && mayRenew;
    if (!this.ports.network.online) {
      this.owner.state({ status: "offline" });
      return;
    }
    const drained = this.notBefore - Date.now();
    // A token that has run out is no trouble of the network: the next try follows at once.
    const jittered = why === "refused" && this.suspected ? 0 : pauseMs(this.failures, CONNECTING);
    const pause = drained > 0 ? drained : Math.max(atLeastMs, jittered);
    this.owner.state({ status: "connecting", retryAt: Date.now() + pause });
    this.later(pause, () => this.tryNow());
  }

  private later(ms: number, action: () => void): void {
    this.cancelTimer();
    this.timer = setTimeout(action, ms);
  }

  private cancelTimer(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }
}
