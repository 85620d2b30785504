import { lazy, Suspense, useEffect } from "react";
import { useStore } from "zustand";
import { useRealtime } from "@/store/context";
import { useRealtimeState } from "@/store/hooks";
import { Guard } from "./Guard";
import { hasStoredShares, sharingState } from "./location/shares";
import { dragging, type Overlays, overlays } from "./overlays";

const Lightbox = lazy(() => import("./viewer/Lightbox"));
const PreviewSheet = lazy(() => import("./attaching/PreviewSheet"));
const LocationSheet = lazy(() => import("./location/LocationSheet"));
const DropOverlay = lazy(() => import("./attaching/DropOverlay"));

/** What outlives a message on the screen: viewers, what is about to be sent, the sharing of one's position. Once, wherever somebody is signed in. */
export function MediaHost() {
  const { viewing, choosing, locating } = useStore(overlays);
  const over = useStore(dragging, (state) => state.over);
  useSharing();
  const close = (what: keyof Overlays) => overlays.setState({ [what]: null });
  return (
    <>
      {viewing !== null && (
        <Guard onFailure={() => close("viewing")}>
          <Suspense>
            <Lightbox {...viewing} onClose={() => close("viewing")} />
          </Suspense>
        </Guard>
      )}
      {choosing !== null && (
        <Guard onFailure={() => close("choosing")}>
          <Suspense>
            <PreviewSheet {...choosing} onClose={() => close("choosing")} />
          </Suspense>
        </Guard>
      )}
      {locating !== null && (
        <Guard onFailure={() => close("locating")}>
          <Suspense>
            <LocationSheet {...locating} onClose={() => close("locating")} />
          </Suspense>
        </Guard>
      )}
      {over !== null && (
        <Guard onFailure={() => dragging.setState({ over: null })}>
          <Suspense>
            <DropOverlay over={over} />
          </Suspense>
        </Guard>
      )}
    </>
  );
}

/** Goes on with what was begun before a reload. */
function useSharing(): void {
  const client = useRealtime();
  const userId = useRealtimeState((state) => state.me?.id ?? null);
  useEffect(() => {
    if (userId === null) return;
    let here = true;
    if (hasStoredShares(userId))
      void import("./location/sharing").then(({ sharingOf }) => {
        if (here) sharingOf(client, userId);
      });
    return () => {
      here = false;
      if (sharingState.getState().shares.length > 0)
        void import("./location/sharing").then(({ endSharing }) => endSharing(client));
    };
  }, [client, userId]);
}
