/** The members of a group or channel: asked page by page, and kept true by the events that tell of changes. */
import { type InfiniteData, useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { api, ok } from "@/api/client";
import { useRealtime } from "@/store/context";
import type { components } from "@/types/openapi";
import type { FeedEvents, Role } from "@/types/socket";

export type Member = components["schemas"]["MemberView"];
type Page = components["schemas"]["Page_MemberView_"];
export type MemberPages = InfiniteData<Page, string | undefined>;

const PAGE = 200;

export const membersKey = (chatId: string) => ["members", chatId] as const;

export function useMembers(chatId: string) {
  const client = useRealtime();
  const queries = useQueryClient();
  useEffect(
    () =>
      client.subscribe((event) => {
        if (event.name !== "MEMBER_CHANGED" || event.payload.chat_id !== chatId) return;
        const { payload } = event;
        const pages = queries.getQueryData<MemberPages>(membersKey(chatId));
        const changed = pages === undefined ? null : withChange(pages, payload);
        if (changed === null) void queries.invalidateQueries({ queryKey: membersKey(chatId) });
        else queries.setQueryData(membersKey(chatId), changed);
      }),
    [client, queries, chatId],
  );
  return useInfiniteQuery({
    queryKey: membersKey(chatId),
    queryFn: ({ pageParam, signal }) =>
      ok(
        api.GET("/api/v1/chats/{chat_id}/members", {
          params: {
            path: { chat_id: chatId },
            query: { limit: PAGE, ...(pageParam === undefined ? {} : { cursor: pageParam }) },
          },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    // What changed while nobody looked at the list nobody has heard: it is asked again when it is shown again.
    staleTime: 0,
  });
}

/**
 * The list after a change, or `null` if it has to be asked again: somebody new has a place in it, and a time of joining, that the event does
 * not tell.
 */
export function withChange(pages: MemberPages, change: FeedEvents["MEMBER_CHANGED"]): MemberPages | null {
  const { user_id: userId, role } = change;
  const there = pages.pages.some(({ items }) => items.some((member) => member.user_id === userId));
  if (!there) return role === null ? pages : null;
  return {
    ...pages,
    pages: pages.pages.map((page) => ({
      ...page,
      items: page.items.flatMap((member) => {
        if (member.user_id !== userId) return [member];
        return role === null ? [] : [{ ...member, role }];
      }),
    })),
  };
}

const STANDING: Readonly<Record<Role, number>> = { owner: 0, admin: 1, member: 2 };

/**
 * As the list shows them: oneself, then the owner, admins and others, each by name. A list of which more is to come stays in the order that it
 * comes in: nobody jumps away from under the pointer while somebody scrolls.
 */
export function inOrder(
  members: readonly Member[],
  { complete, me, nameOf }: { complete: boolean; me: string; nameOf: (userId: string) => string },
): readonly Member[] {
  if (!complete) return members;
  return members.toSorted((a, b) => {
    if (a.user_id === me || b.user_id === me) return a.user_id === me ? -1 : 1;
    return (
      STANDING[a.role] - STANDING[b.role] ||
      nameOf(a.user_id).localeCompare(nameOf(b.user_id)) ||
      (a.user_id < b.user_id ? -1 : 1)
    );
  });
}
