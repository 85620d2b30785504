/**
 * What a notification says. Pure: the service worker makes it from a push, an open page from a message that has come in, and both are the
 * same notification to whoever sees it, one for each chat.
 */
import type { PushPayload } from "./payload";

/** What this device knows of a chat, kept where the service worker can read it. */
export interface KnownChat {
  id: string;
  title: string;
  /** In a group it takes the sender's name to know who wrote. */
  direct: boolean;
}

export interface Notice {
  title: string;
  body: string;
  /** One notification a chat: a later one takes the place of what is there. */
  tag: string;
  chatId: string | null;
  /** When the one that it replaces is of an older message, it sounds again. */
  seq: number;
}

/** The words that a notification is made of, in somebody's language. */
export interface NoticeWords {
  /** The title when it is not known what the chat is called. */
  somewhere: string;
  count(count: number): string;
  /** A message without a text: "Photo", "Voice message". `null` for a kind that has no name. */
  kind(kind: string): string | null;
}

/** Longer ones are cut by every system, at different places. */
const LONGEST_BODY = 200;

export const tagOf = (chatId: string | null): string => (chatId === null ? "chat" : `chat:${chatId}`);

function shortened(text: string): string {
  const one = text.replaceAll(/\s+/g, " ").trim();
  const letters = Array.from(one);
  return letters.length <= LONGEST_BODY ? one : `${letters.slice(0, LONGEST_BODY - 1).join("")}…`;
}

/**
 * @param preview whether what somebody wrote may be shown where others can see it.
 */
export function noticeOf(
  payload: PushPayload | null,
  chat: KnownChat | null,
  preview: boolean,
  words: NoticeWords,
): Notice {
  if (payload === null)
    return { title: words.somewhere, body: words.count(1), tag: tagOf(null), chatId: null, seq: 0 };
  const { chatId, seq, count, from } = payload;
  const title = chat?.title || from || words.somewhere;
  return { title, body: body(), tag: tagOf(chatId), chatId, seq };

  function body(): string {
    const said = preview ? wrote() : null;
    if (said === null || payload === null) return words.count(count);
    return from !== null && chat !== null && !chat.direct ? `${from}: ${said}` : said;
  }

  function wrote(): string | null {
    if (payload?.text) return shortened(payload.text);
    return payload?.kind ? words.kind(payload.kind) : null;
  }
}
