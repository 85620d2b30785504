/** Whom one has blocked. Other devices' blocks come as `BLOCK_CHANGED`. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { api, ok } from "@/api/client";
import { useRealtime } from "@/store/context";

const KEY = ["blocks"] as const;

async function all(signal: AbortSignal): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const page: { items: { user_id: string }[]; next: string | null } = await ok(
      api.GET("/api/v1/users/me/blocks", {
        params: { query: { limit: 200, ...(cursor === null ? {} : { cursor }) } },
        signal,
      }),
    );
    ids.push(...page.items.map(({ user_id }) => user_id));
    cursor = page.next;
  } while (cursor !== null);
  return ids;
}

function set(ids: readonly string[], userId: string, blocked: boolean): string[] {
  const others = ids.filter((id) => id !== userId);
  return blocked ? [...others, userId] : others;
}

/** Ids of everybody whom one has blocked. */
export function useBlocks() {
  const client = useRealtime();
  const queries = useQueryClient();
  useEffect(
    () =>
      client.subscribe((event) => {
        if (event.name !== "BLOCK_CHANGED") return;
        const { user_id: userId, blocked } = event.payload;
        queries.setQueryData<string[]>(KEY, (ids) => ids && set(ids, userId, blocked));
      }),
    [client, queries],
  );
  return useQuery({ queryKey: KEY, queryFn: ({ signal }) => all(signal) });
}

/** Whether one has blocked somebody (`undefined` until it is known), and changing it. */
export function useBlock(userId: string | null): {
  blocked: boolean | undefined;
  setBlocked: (blocked: boolean) => Promise<void>;
  pending: boolean;
} {
  const queries = useQueryClient();
  const { data } = useBlocks();
  const { mutateAsync, isPending } = useMutation({
    mutationFn: async (blocked: boolean) => {
      const path = { params: { path: { user_id: userId ?? "" } } };
      await ok(
        blocked
          ? api.PUT("/api/v1/users/{user_id}/block", path)
          : api.DELETE("/api/v1/users/{user_id}/block", path),
      );
      queries.setQueryData<string[]>(KEY, (ids) => ids && set(ids, userId ?? "", blocked));
    },
  });
  return {
    blocked: userId === null ? false : data?.includes(userId),
    setBlocked: mutateAsync,
    pending: isPending,
  };
}
