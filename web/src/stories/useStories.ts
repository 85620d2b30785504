import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect } from "react";
import { api, ok } from "@/api/client";
import { useRealtime } from "@/store/context";
import { useMe } from "@/store/hooks";
import { anyNew, type StoryGroup, seenOf } from "./groups";
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

/** One request for however many ask; whoever selects renders again when what was selected is another. */
function useFeed<T>(select: (groups: StoryGroup[]) => T) {
  const client = useRealtime();
  const queries = useQueryClient();
  useEffect(() => listen(client, queries), [client, queries]);
  return useQuery({
    queryKey: STORIES,
    queryFn: ({ signal }) => fetchStories(signal),
    staleTime: 5 * 60_000,
    select,
  });
}

const all = (groups: StoryGroup[]) => groups;

/** Everybody's stories that one may see, as they are now. */
export const useStories = () => useFeed(all);

const NONE: readonly boolean[] = [];

/** Of each story that somebody tells now, whether one has seen it. */
export function useSeenOf(userId: string): readonly boolean[] {
  const select = useCallback((groups: StoryGroup[]) => seenOf(groups, userId, Date.now()), [userId]);
  return useFeed(select).data ?? NONE;
}

/** Whether others tell something that one has not seen. */
export function useNewStories(): boolean {
  const { id } = useMe();
  const select = useCallback((groups: StoryGroup[]) => anyNew(groups, id, Date.now()), [id]);
  return useFeed(select).data ?? false;
}
