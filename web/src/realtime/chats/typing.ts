/** Who is typing. One's own is told as seldom as can be, and that it ended; others' ends when nothing more is heard. */
import type { Board } from "../board";
import type { ChatId, UserId } from "../realtime";

/** While somebody types on, it is told so often. */
const AGAIN_MS = 3_000;
/** Without a keystroke for so long, typing has ended. */
const PAUSE_MS = 5_000;
/** Without news of somebody for so long, they have ceased, or lost their connection. */
const EXPIRES_MS = 8_000;

type Timer = ReturnType<typeof setTimeout>;

export class OwnTyping {
  private readonly active = new Map<ChatId, { toldAt: number; timer: Timer }>();

  constructor(private readonly tell: (chatId: ChatId, state: "start" | "stop") => void) {}

  keystroke(chatId: ChatId): void {
    const there = this.active.get(chatId);
    const now = Date.now();
    const isDue = there === undefined || now - there.toldAt >= AGAIN_MS;
    if (there !== undefined) clearTimeout(there.timer);
    const timer = setTimeout(() => this.stop(chatId), PAUSE_MS);
    this.active.set(chatId, { toldAt: isDue ? now : there.toldAt, timer });
    if (isDue) this.tell(chatId, "start");
  }

  stop(chatId: ChatId): void {
    const there = this.active.get(chatId);
    if (there === undefined) return;
    clearTimeout(there.timer);
    this.active.delete(chatId);
    this.tell(chatId, "stop");
  }

  /** Nobody can be told. */
  lost(): void {
    for (const { timer } of this.active.values()) clearTimeout(timer);
    this.active.clear();
  }
}

export class OthersTyping {
  private readonly timers = new Map<ChatId, Map<UserId, Timer>>();

  constructor(private readonly board: Board) {}

  heard(chatId: ChatId, userId: UserId, state: "start" | "stop"): void {
    const chat = this.timers.get(chatId) ?? new Map<UserId, Timer>();
    const there = chat.get(userId);
    if (there !== undefined) clearTimeout(there);
    if (state === "start") {
      this.timers.set(chatId, chat);
      chat.set(
        userId,
        setTimeout(() => this.heard(chatId, userId, "stop"), EXPIRES_MS),
      );
      if (there === undefined) this.tell(chatId, [...chat.keys()]);
    } else if (there !== undefined) {
      chat.delete(userId);
      if (chat.size === 0) this.timers.delete(chatId);
      this.tell(chatId, [...chat.keys()]);
    }
  }

  /** The chat is closed here, or the connection is lost. */
  forget(chatId: ChatId): void {
    const chat = this.timers.get(chatId);
    if (chat === undefined) return;
    for (const timer of chat.values()) clearTimeout(timer);
    this.timers.delete(chatId);
    this.tell(chatId, []);
  }

  forgetAll(): void {
    for (const chatId of [...this.timers.keys()]) this.forget(chatId);
  }

  private tell(chatId: ChatId, userIds: readonly UserId[]): void {
    this.board.publish({ kind: "typing", chatId, userIds });
  }
}
