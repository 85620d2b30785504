/** What people have shown each other in a chat, newest first: asked page by page, and kept true by the events that tell of changes. */
import { type InfiniteData, useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { api, ok } from "@/api/client";
import { useRealtime } from "@/store/context";
import { useConnection, useHistory } from "@/store/hooks";
import type { components } from "@/types/openapi";
import type { MessageType, MessageView } from "@/types/socket";

type Page = components["schemas"]["MessagesPage"];
export type SharedPages = InfiniteData<Page, string | undefined>;

/** What is listed together. The server has an index for these types alone. */
const TYPES = {
  pictures: ["image", "video"],
  documents: ["document"],
  voice: ["audio"],
} as const satisfies Record<string, readonly MessageType[]>;

export type SharedKind = keyof typeof TYPES;

const PAGE = 48;

export interface Shared {
  /** Newest first. */
  messages: readonly MessageView[];
  isPending: boolean;
  /** There is no connection to ask over: these are the ones that this device has. */
  isLocal: boolean;
  error: Error | null;
  hasMore: boolean;
  isLoadingMore: boolean;
  loadMore: () => void;
  retry: () => void;
}

export function useShared(chatId: string, kind: SharedKind, enabled = true): Shared {
  const client = useRealtime();
  const queries = useQueryClient();
  const history = useHistory(chatId);
  const queryKey = useMemo(() => ["shared", chatId, kind] as const, [chatId, kind]);
  useEffect(() => {
    if (!enabled) return undefined;
    return client.subscribe((event) => {
      if (!("message" in event.payload) || event.payload.message.chat_id !== chatId) return;
      const { message } = event.payload;
      queries.setQueryData<SharedPages>(queryKey, (pages) => pages && withMessage(pages, message, kind));
    });
  }, [client, queries, queryKey, chatId, kind, enabled]);
  const query = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) =>
      ok(
        api.GET("/api/v1/chats/{chat_id}/messages", {
          params: {
            path: { chat_id: chatId },
            query:
              pageParam === undefined
                ? { type: [...TYPES[kind]], limit: PAGE }
                : { cursor: pageParam, limit: PAGE },
          },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    // What changed while nobody looked nobody has heard: it is asked again when it is shown again.
    staleTime: 0,
    enabled,
  });
  const { data, error, failureCount, fetchStatus } = query;
  const isOffline = useConnection().status === "offline" || fetchStatus === "paused";
  const isLocal = data === undefined && (isOffline || failureCount > 0 || error !== null);
  const messages = useMemo(() => {
    if (data !== undefined) return data.pages.flatMap(({ items }) => items.toReversed());
    return isLocal ? (history?.messages ?? []).filter((message) => isOf(message, kind)).toReversed() : [];
  }, [data, isLocal, history, kind]);
  return {
    messages,
    isPending: data === undefined && !isLocal,
    isLocal,
    error,
    hasMore: query.hasNextPage,
    isLoadingMore: query.isFetchingNextPage,
    loadMore: () => void (query.isFetchingNextPage || query.fetchNextPage()),
    retry: () => void (data === undefined ? query.refetch() : query.fetchNextPage()),
  };
}

const isOf = ({ type, deleted, media_id }: MessageView, kind: SharedKind): boolean =>
  deleted !== true && typeof media_id === "string" && TYPES[kind].some((each) => each === type);

/** The pages after a message is new, edited or deleted. A page's items ascend, and the first page is the newest. */
export function withMessage(pages: SharedPages, message: MessageView, kind: SharedKind): SharedPages {
  const without = (page: Page): Page => ({
    ...page,
    items: page.items.filter(({ seq }) => seq !== message.seq),
  });
  const there = pages.pages.findIndex(({ items }) => items.some(({ seq }) => seq === message.seq));
  if (!isOf(message, kind)) return there < 0 ? pages : { ...pages, pages: pages.pages.map(without) };
  const newest = pages.pages[0]?.items.at(-1)?.seq ?? 0;
  const into = there >= 0 ? there : message.seq > newest ? 0 : -1;
  return {
    ...pages,
    pages: pages.pages.map((page, index) => {
      if (index !== into) return page;
      const items = [...without(page).items, message].toSorted((a, b) => a.seq - b.seq);
      return { ...page, items };
    }),
  };
}
