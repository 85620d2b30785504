import { ExternalLink, Radio } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { RealtimeError } from "@/realtime/realtime";
import { useRealtime } from "@/store/context";
import { useRealtimeState } from "@/store/hooks";
import type { MessageView } from "@/types/socket";
import { formatRelative, formatTime } from "@/ui/format";
import { place } from "../content";
import { Chart } from "./Chart";
import { coordinates, openStreetMap, type Point } from "./geodesy";
import styles from "./LocationCard.module.css";
import { useNow } from "./useNow";

/** A place: where it is, how exactly that is known, and the way to a map. One that is live moves. */
export function LocationCard({
  message,
  content,
  own = false,
}: {
  /** `null` while it is on its way. */
  message: MessageView | null;
  content: Record<string, unknown>;
  own?: boolean;
}) {
  const { t } = useTranslation("media");
  const there = place(content);
  const position = useRealtimeState((state) =>
    message === null ? undefined : state.positions.get(`${message.chat_id}/${message.seq}`),
  );
  const now = useNow(there?.liveUntil ?? null);
  if (there === null) return <p className={styles.nowhere}>{t("location.nowhere")}</p>;
  const live = there.liveUntil !== null && there.liveUntil > now;
  const moved = live && position !== undefined ? position : null;
  const accuracy = moved === null ? there.accuracy : moved.accuracy;

  return (
    <div className={styles.location}>
      <Chart point={moved ?? there} accuracy={accuracy} live={live} />
      <div className={styles.about}>
        {there.liveUntil !== null && (
          <p className={styles.live} data-live={live}>
            <Radio size={16} aria-hidden="true" />
            {live ? t("location.liveUntil", { time: formatTime(there.liveUntil) }) : t("location.ended")}
          </p>
        )}
        <p className={styles.where}>
          <Coordinates point={moved ?? there} />
        </p>
        <p className={styles.soft}>
          {[
            accuracy !== null && t("location.accuracy", { metres: Math.round(accuracy) }),
            moved !== null && t("location.updated", { when: formatRelative(moved.at, now) }),
          ]
            .filter(Boolean)
            .join(" · ")}
        </p>
        <div className={styles.ways}>
          <a
            className={styles.way}
            href={openStreetMap(moved ?? there)}
            target="_blank"
            rel="noopener noreferrer nofollow ugc"
          >
            {t("location.openMap")}
            <ExternalLink size={14} aria-hidden="true" />
          </a>
          {live && own && message !== null && <StopSharing chatId={message.chat_id} seq={message.seq} />}
        </div>
      </div>
    </div>
  );
}

export function Coordinates({ point }: { point: Point }) {
  const { t } = useTranslation("media");
  const { lat, north, lng, east } = coordinates(point);
  return (
    <bdi dir="ltr">
      {lat} <bdi>{t(north ? "location.north" : "location.south")}</bdi>, {lng}{" "}
      <bdi>{t(east ? "location.east" : "location.west")}</bdi>
    </bdi>
  );
}

/** Ends a live location of one's own, from whichever device. */
export function StopSharing({ chatId, seq }: { chatId: string; seq: number }) {
  const { t } = useTranslation("media");
  const client = useRealtime();
  const [state, setState] = useState<"idle" | "pending" | "failed">("idle");
  const stop = async () => {
    setState("pending");
    try {
      await client.stopLocation(chatId, seq);
      setState("idle");
    } catch (error) {
      if (!(error instanceof RealtimeError)) throw error;
      setState("failed");
    }
  };
  return (
    <button type="button" className={styles.stop} disabled={state === "pending"} onClick={() => void stop()}>
      {t(state === "failed" ? "location.stopAgain" : "location.stop")}
    </button>
  );
}
