/**
 * The part of a chat's history that is in memory: messages without a hole, ascending by `seq`. What comes out of order waits in `loose` until it
 * adjoins. Pure.
 */
import type { MessageView } from "@/types/socket";

/** What stays in memory at most; beyond it the end that is farther from where one goes is let go of. */
export const MOST_SHOWN = 12_000;

export interface Stretch {
  readonly messages: readonly MessageView[];
  /** The `seq` before the first message, or where an empty one stands. */
  readonly before: number;
  /** Goes on with what is sent: it is, or is to be, the newest part of the history. */
  readonly following: boolean;
  readonly loose: ReadonlyMap<number, MessageView>;
}

export function stretchOf(messages: readonly MessageView[], following: boolean): Stretch {
  return { messages, before: (messages[0]?.seq ?? 1) - 1, following, loose: new Map() };
}

export function lastSeq({ messages, before }: Stretch): number {
  return before + messages.length;
}

/** The stretch with messages in a state that is new, wherever they belong; the same one if none does. */
export function withMessages(stretch: Stretch, incoming: readonly MessageView[]): Stretch {
  let messages: MessageView[] | null = null;
  const loose = new Map(stretch.loose);
  let isLoose = false;
  for (const message of incoming) {
    const index = message.seq - stretch.before - 1;
    const there =
      index < stretch.messages.length ? (messages ?? stretch.messages)[index] : loose.get(message.seq);
    if (index < 0 || (there !== undefined && there.rev >= message.rev)) continue;
    if (index < stretch.messages.length) {
      messages ??= [...stretch.messages];
      messages[index] = message;
    } else if (stretch.following) {
      loose.set(message.seq, message);
      isLoose = true;
    }
  }
  if (messages === null && !isLoose) return stretch;
  return extended({ ...stretch, messages: messages ?? stretch.messages, loose });
}

/** With older messages, which end right before it. */
export function withOlder(stretch: Stretch, older: readonly MessageView[]): Stretch {
  const first = older[0];
  if (first === undefined || (older.at(-1) as MessageView).seq !== stretch.before) return stretch;
  const messages = [...older, ...stretch.messages];
  const isTooLong = messages.length > MOST_SHOWN;
  return {
    ...stretch,
    messages: isTooLong ? messages.slice(0, MOST_SHOWN) : messages,
    before: first.seq - 1,
    ...(isTooLong ? { following: false, loose: new Map() } : {}),
  };
}

/** With newer messages, which begin right behind it. `following` once the end of the history is reached. */
export function withNewer(stretch: Stretch, newer: readonly MessageView[], reachesEnd: boolean): Stretch {
  if (newer.length > 0 && newer[0]?.seq !== lastSeq(stretch) + 1) return stretch;
  const messages = [...stretch.messages, ...newer];
  const kept = messages.slice(-MOST_SHOWN);
  return extended({
    ...stretch,
    messages: kept,
    before: stretch.before + messages.length - kept.length,
    following: stretch.following || reachesEnd,
  });
}

/** What is loose and adjoins is part of it. */
function extended(stretch: Stretch): Stretch {
  let next = lastSeq(stretch) + 1;
  if (!stretch.loose.has(next)) return stretch;
  const loose = new Map(stretch.loose);
  const messages = [...stretch.messages];
  for (let message = loose.get(next); message !== undefined; message = loose.get(next)) {
    loose.delete(next);
    messages.push(message);
    next += 1;
  }
  return { ...stretch, messages, loose };
}

/** The newer state of each message, ascending. */
export function newest(...lists: readonly (readonly MessageView[])[]): MessageView[] {
  const bySeq = new Map<number, MessageView>();
  for (const message of lists.flat()) {
    const there = bySeq.get(message.seq);
    if (there === undefined || message.rev >= there.rev) bySeq.set(message.seq, message);
  }
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq);
}

/** The part without a hole that ends with the last message, or begins with the first. */
export function lastRun(messages: readonly MessageView[]): readonly MessageView[] {
  let index = messages.length - 1;
  while (index > 0 && messages[index - 1]?.seq === (messages[index] as MessageView).seq - 1) index -= 1;
  return messages.slice(Math.max(0, index));
}

export function firstRun(messages: readonly MessageView[]): readonly MessageView[] {
  let length = Math.min(1, messages.length);
  while (length < messages.length && messages[length]?.seq === (messages[length - 1] as MessageView).seq + 1)
    length += 1;
  return messages.slice(0, length);
}
