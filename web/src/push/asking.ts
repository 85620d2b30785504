/** What a chat is called that this device has never seen: a push does not say, so the server is asked while the push is waited for. */
import type { components } from "@/types/openapi";
import { keepChats, knownChat } from "./known";
import { lentToken } from "./lent";
import type { KnownChat } from "./notice";

type ChatView = components["schemas"]["ChatView"];
type UserView = components["schemas"]["UserView"];

/** Whoever waits longer for a name would rather have been told without it; and browsers stop a worker that takes its time. */
export const WITHIN_MS = 3_000;

/**
 * What is known of a chat here, or else to the server; then it is remembered.
 *
 * @returns `null` when nobody can say: without a network, signed out, out of the chat, or too late
 */
export async function chatOf(chatId: string, signal: AbortSignal): Promise<KnownChat | null> {
  const known = await knownChat(chatId);
  if (known !== null && known.title !== "") return known;
  try {
    const asked = await ask(chatId, signal);
    if (asked === null) return known;
    await keepChats([asked], []);
    return asked;
  } catch (error) {
    // No answer, a late one, or one that is no node's: the notification says less. One that is not shown would be worse.
    if (error instanceof TypeError || error instanceof DOMException || error instanceof SyntaxError)
      return known;
    throw error;
  }
}

async function ask(chatId: string, signal: AbortSignal): Promise<KnownChat | null> {
  const chat = await get<ChatView>(`/api/v1/chats/${encodeURIComponent(chatId)}`, signal);
  if (chat === null) return null;
  if (chat.type !== "direct") return { id: chat.id, title: chat.title, direct: false };
  const peer = await get<UserView>(`/api/v1/users/${encodeURIComponent(chat.peer_id ?? "")}`, signal);
  return peer === null ? null : { id: chat.id, title: peer.name, direct: true };
}

/** @throws TypeError without an answer, or the signal's reason */
async function get<T>(path: string, signal: AbortSignal): Promise<T | null> {
  const token = await lentToken(signal);
  let answer = token === null ? null : await send(path, token, signal);
  if (token !== null && answer?.status === 401) {
    // The clock here may be wrong, or the keys have changed.
    const another = await lentToken(signal, token);
    answer = another === null ? null : await send(path, another, signal);
  }
  return answer?.ok ? ((await answer.json()) as T) : null;
}

function send(path: string, token: string, signal: AbortSignal): Promise<Response> {
  return fetch(path, { headers: { Authorization: `Bearer ${token}` }, signal });
}
