/**
 * What has come of messages lately, laid over what is read: the store may not have it yet, and a page may have been answered before it came.
 * Nothing takes so long to be written or answered as it is remembered.
 */
import type { MessageView } from "@/types/socket";

const REMEMBERED_MS = 60_000;

export class Recent {
  /** The oldest first. */
  private readonly came = new Map<string, { message: MessageView; at: number }>();

  add(messages: readonly MessageView[]): void {
    const at = Date.now();
    for (const message of messages) {
      const key = keyOf(message);
      const there = this.came.get(key);
      if (there !== undefined && there.message.rev > message.rev) continue;
      this.came.delete(key);
      this.came.set(key, { message, at });
    }
    for (const [key, each] of this.came) {
      if (at - each.at < REMEMBERED_MS) return;
      this.came.delete(key);
    }
  }

  /** These messages, each in its newest state. */
  over(messages: readonly MessageView[]): readonly MessageView[] {
    return messages.map((message) => {
      const came = this.came.get(keyOf(message))?.message;
      return came !== undefined && came.rev > message.rev ? came : message;
    });
  }
}

const keyOf = ({ chat_id, seq }: MessageView) => `${chat_id}/${seq}`;
