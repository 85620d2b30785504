/** Where a file can be fetched from now. URLs are short-lived: whoever shows one gets another before it expires. */
import { type UseQueryResult, useQuery } from "@tanstack/react-query";
import { ApiError, api, ok } from "@/api/client";
import type { components } from "@/types/openapi";

export type MediaFile = components["schemas"]["MediaView"];

/** A URL is renewed while this much of its life is left: a video that is being watched goes on with ranges of the file. */
const EARLY_MS = 45_000;
const LEAST_MS = 5_000;

/** Until when a URL is used, given when it expires: by this browser's clock, from when it came. */
export function usableForMs(expiresAt: string, now: number): number {
  const left = Date.parse(expiresAt) - now;
  return Number.isNaN(left) ? LEAST_MS : Math.max(LEAST_MS, left - EARLY_MS);
}

export type MediaProblem = "gone" | "forbidden" | "offline";

/** In what way a file cannot be had. A deleted one and one that is none of one's business look the same to the server, and here. */
export function mediaProblem(error: unknown): MediaProblem {
  if (!(error instanceof ApiError)) return "offline";
  if (error.status === 404) return "gone";
  return error.status === 403 ? "forbidden" : "offline";
}

export const mediaKey = (mediaId: string) => ["media", mediaId] as const;

/** One request for however many show the file. `null` asks for nothing. */
export function useMediaUrl(mediaId: string | null | undefined): UseQueryResult<MediaFile, Error> {
  return useQuery({
    queryKey: mediaKey(mediaId ?? ""),
    queryFn: ({ signal }) =>
      ok(api.GET("/api/v1/media/{media_id}", { params: { path: { media_id: mediaId as string } }, signal })),
    enabled: typeof mediaId === "string",
    staleTime: ({ state }) => (state.data ? usableForMs(state.data.expires_at, state.dataUpdatedAt) : 0),
    refetchInterval: ({ state }) =>
      state.data ? Math.max(1_000, usableForMs(state.data.expires_at, state.dataUpdatedAt)) : false,
    gcTime: 10 * 60_000,
    retry: (failures, error) => mediaProblem(error) === "offline" && failures < 3,
  });
}
