import { createContext, use } from "react";
import type { RealtimeClient } from "@/realtime/realtime";

const RealtimeContext = createContext<RealtimeClient | null>(null);

export const RealtimeProvider = RealtimeContext.Provider;

/** The client of whoever is signed in. Only below the part of the interface that needs a session. */
export function useRealtime(): RealtimeClient {
  const client = use(RealtimeContext);
  if (client === null) throw new Error("useRealtime outside of a session");
  return client;
}
