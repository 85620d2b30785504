/** The realtime side's questions, by the client of the REST API. */
import { ApiError, api, ok } from "@/api/client";
import { RealtimeError } from "../realtime";
import type { MemberCursors, Rest } from "../rest";

/** Less than what comes meanwhile is remembered (`history/recent.ts`). */
const ANSWER_WITHIN_MS = 30_000;

export const browserRest: Rest = {
  page: (chatId, query) =>
    asked(() =>
      ok(
        api.GET("/api/v1/chats/{chat_id}/messages", {
          params: { path: { chat_id: chatId }, query },
          signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
        }),
      ),
    ),
  chat: (chatId) =>
    asked(() => ok(api.GET("/api/v1/chats/{chat_id}", { params: { path: { chat_id: chatId } } }))),
  members: (chatId, limit) =>
    asked(async () => {
      const members: MemberCursors[] = [];
      let cursor: string | null | undefined;
      do {
        const query = { limit: Math.min(100, limit - members.length), ...(cursor == null ? {} : { cursor }) };
        const page = await ok(
          api.GET("/api/v1/chats/{chat_id}/members", { params: { path: { chat_id: chatId }, query } }),
        );
        members.push(...page.items);
        cursor = page.next;
      } while (cursor != null && members.length < limit);
      return members;
    }),
  people: (ids) =>
    asked(async () => {
      const found = await ok(api.GET("/api/v1/users", { params: { query: { id: [...ids] } } }));
      return "items" in found ? found.items : [found];
    }),
};

async function asked<T>(question: () => Promise<T>): Promise<T> {
  try {
    return await question();
  } catch (error) {
    if (error instanceof ApiError) throw new RealtimeError(error.code, error.message, error.retryAfterMs);
    // Anything else is the network's, or that the session is over, which the connection finds out too.
    throw new RealtimeError("offline", error instanceof Error ? error.message : String(error));
  }
}
