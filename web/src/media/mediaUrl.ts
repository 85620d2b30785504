/** Where a file can be fetched from now. URLs are short-lived: whoever shows one gets another before it expires. */
import { type QueryClient, queryOptions, type UseQueryResult, useQuery } from "@tanstack/react-query";
import { ApiError, api, ok } from "@/api/client";
import type { components } from "@/types/openapi";

export type MediaFile = components["schemas"]["MediaView"];

/** A URL is renewed while this much of its life is left: a video that is being watched goes on with ranges of the file. */
const EARLY_MS = 45_000;
const LEAST_MS = 5_000;

/** For how long a URL is used, given when it expires and when it came. */
export function usableForMs(expiresAt: string, since: number): number {
  const left = Date.parse(expiresAt) - since;
  return Number.isNaN(left) ? LEAST_MS : Math.max(LEAST_MS, left - EARLY_MS);
}

export type MediaProblem = "gone" | "forbidden" | "offline";

/** In what way a file cannot be had. A deleted one and one that is none of one's business look the same to the server, and here. */
export function mediaProblem(error: unknown): MediaProblem {
  if (!(error instanceof ApiError)) return "offline";
  if (error.status === 404) return "gone";
  return error.status === 403 ? "forbidden" : "offline";
}

const fileOptions = (mediaId: string) =>
  queryOptions({
    queryKey: ["media", mediaId] as const,
    queryFn: ({ signal }): Promise<MediaFile> =>
      ok(api.GET("/api/v1/media/{media_id}", { params: { path: { media_id: mediaId } }, signal })),
    staleTime: ({ state }) => (state.data ? usableForMs(state.data.expires_at, state.dataUpdatedAt) : 0),
    gcTime: 10 * 60_000,
    retry: (failures, error) => mediaProblem(error) === "offline" && failures < 3,
  });

/** One request for however many show the file, and another before its URL expires. `null` asks for nothing. */
export function useMediaUrl(mediaId: string | null | undefined): UseQueryResult<MediaFile, Error> {
  return useQuery({
    ...fileOptions(mediaId ?? ""),
    enabled: typeof mediaId === "string",
    refetchInterval: ({ state }) =>
      state.data ? usableForMs(state.data.expires_at, state.dataUpdatedAt) : false,
  });
}

/** The file now, from what is known of it or the server. @throws ApiError */
export const locate = (queries: QueryClient, mediaId: string): Promise<MediaFile> =>
  queries.fetchQuery(fileOptions(mediaId));

/** Its URL did not work: the next that asks gets another. */
export const distrust = (queries: QueryClient, mediaId: string): Promise<void> =>
  queries.invalidateQueries({ queryKey: fileOptions(mediaId).queryKey, refetchType: "none" });
