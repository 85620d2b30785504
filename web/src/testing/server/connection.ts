/** A client's connection to the simulated server: frames take a while in each direction, and stay in order. */
import { RealtimeError } from "@/realtime/realtime";
import type { Connection, ConnectionListener, Topic, TopicListener } from "@/realtime/transport/transport";

export interface Served {
  /** What a push is answered; throws `RealtimeError` to refuse. `undefined`: no answer ever. */
  push(connection: SimulatedConnection, topic: string, event: string, payload: object): unknown;
  join(connection: SimulatedConnection, topic: string, payload: object): unknown;
  left(connection: SimulatedConnection, topic: string): void;
  latencyMs(): number;
}

export class SimulatedConnection implements Connection {
  readonly topics = new Map<string, TopicListener>();
  private isOpen = true;
  private readonly waiting = new Set<(error: RealtimeError) => void>();
  private upAt = 0;
  private downAt = 0;

  constructor(
    readonly userId: string,
    private readonly server: Served,
    private readonly listener: ConnectionListener,
    private readonly gone: (connection: SimulatedConnection) => void,
  ) {}

  join(topic: string, payload: object, listener: TopicListener): Topic {
    let isOver = false;
    const heard: TopicListener = {
      joined: (answer) => !isOver && listener.joined(answer),
      event: (name, body) => !isOver && listener.event(name, body),
      ended: (error) => {
        if (isOver) return;
        isOver = true;
        listener.ended(error);
      },
    };
    this.up(() => {
      try {
        const answer = this.server.join(this, topic, payload);
        this.topics.set(topic, heard);
        const copy = structuredClone(answer);
        this.down(() => heard.joined(copy));
        this.joined(topic);
        this.joined = () => undefined;
      } catch (error) {
        if (!(error instanceof RealtimeError)) throw error;
        this.down(() => heard.ended(error));
      }
    });
    return {
      push: (event, body) => (isOver ? Promise.reject(lost()) : this.push(topic, event, body)),
      leave: () => {
        isOver = true;
        this.up(() => {
          this.topics.delete(topic);
          this.server.left(this, topic);
        });
      },
    };
  }

  /** Called when the join's answer is on its way. */
  joined: (topic: string) => void = () => undefined;

  tell(topic: string, event: string, payload: object): void {
    const listener = this.topics.get(topic);
    if (listener === undefined) return;
    const copy = structuredClone(payload);
    this.down(() => listener.event(event, copy));
  }

  endTopic(topic: string, code: string): void {
    const listener = this.topics.get(topic);
    this.topics.delete(topic);
    this.down(() => listener?.ended(new RealtimeError(code, code)));
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.gone(this);
    for (const fail of [...this.waiting]) fail(lost());
  }

  /** Cut from outside. */
  cut(why: "lost" | "refused" = "lost"): void {
    if (!this.isOpen) return;
    this.close();
    this.listener.closed(why);
  }

  private push(topic: string, event: string, payload: object): Promise<unknown> {
    if (!this.isOpen) return Promise.reject(lost());
    const body = structuredClone(payload);
    return new Promise((resolve, reject) => {
      this.waiting.add(reject);
      const settle = (outcome: () => void) =>
        this.down(() => {
          this.waiting.delete(reject);
          outcome();
        });
      this.up(() => {
        try {
          const answer = this.server.push(this, topic, event, body);
          const copy = structuredClone(answer);
          if (answer !== undefined) settle(() => resolve(copy));
        } catch (error) {
          if (!(error instanceof RealtimeError)) throw error;
          settle(() => reject(error));
        }
      });
    });
  }

  private up(action: () => void): void {
    this.upAt = Math.max(this.upAt, Date.now() + this.server.latencyMs());
    setTimeout(() => this.isOpen && action(), this.upAt - Date.now());
  }

  private down(action: () => void): void {
    this.downAt = Math.max(this.downAt, Date.now() + this.server.latencyMs());
    setTimeout(() => this.isOpen && action(), this.downAt - Date.now());
  }
}

const lost = () => new RealtimeError("offline", "there is no connection");
