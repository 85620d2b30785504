import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { api, ok } from "@/api/client";
import { useRealtime } from "@/store/context";
import type { StoryGroup } from "./groups";
import { listen, STORIES } from "./news";

const PAGE = 100;
/** People whose stories are shown. Whoever has more contacts that tell some sees the newest. */
const MOST_PAGES = 10;

async function fetchStories(signal: AbortSignal): Promise<StoryGroup[]> {
  const groups: StoryGroup[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const query: { limit: number; cursor?: string } = { limit: PAGE, ...(cursor !== null && { cursor }) };
    const answer: { items: StoryGroup[]; next: string | null } = await ok(
      api.GET("/api/v1/stories", { params: { query }, signal }),
    );
    groups.push(...answer.items);
    if (answer.next === null) break;
    cursor = answer.next;
  }
  // Whose last story is seen while one pages is listed again further down.
  return [...new Map(groups.map((group) => [group.user_id, group])).values()];
}

/** Everybody's stories that one may see, as they are now. One request for however many ask. */
export function useStories() {
  const client = useRealtime();
  const queries = useQueryClient();
  useEffect(() => listen(client, queries), [client, queries]);
  return useQuery({
    queryKey: STORIES,
    queryFn: ({ signal }) => fetchStories(signal),
    staleTime: 5 * 60_000,
  });
}
