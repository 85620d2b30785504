import { QueryClient } from "@tanstack/react-query";
import { told } from "@/ui";

const TRIES = 3;

/** The cache of what REST has answered. One for each session: nobody sees what another has asked. */
export function newQueries(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 30_000,
        retry: (failures, error) => told(error).retryable && failures < TRIES,
        retryDelay: (failures, error) => told(error).retryAfterMs ?? 1_000 * 2 ** failures,
      },
      // A change is made again only by whoever wants it.
      mutations: { retry: false },
    },
  });
}
