import { useEffect, useState } from "react";
import type { Session } from "@/auth/session";
import { uploadAttachment } from "@/media/upload";
import { createBrowserRealtime } from "@/realtime/browser/createBrowserRealtime";
import type { RealtimeClient } from "@/realtime/realtime";

/** The realtime side of a session, connected for as long as the component is there. `null` until it has been made. */
export function useRealtimeClient(session: Session): RealtimeClient | null {
  const { userId } = session;
  const [client, setClient] = useState<RealtimeClient | null>(null);
  useEffect(() => {
    let isGone = false;
    const making = createBrowserRealtime({ userId, upload: uploadAttachment }).then(async (made) => {
      if (isGone) return made;
      setClient(made);
      await made.start();
      return made;
    });
    return () => {
      isGone = true;
      setClient(null);
      void making.then((made) => made.stop());
    };
  }, [userId]);
  return client;
}
