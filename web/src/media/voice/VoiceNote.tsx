import { Pause, Play, RotateCw } from "lucide-react";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useStore } from "zustand";
import { formatDuration } from "@/ui/format";
import { Spinner } from "@/ui/Spinner";
import type { Recording } from "../content";
import { mediaProblem } from "../mediaUrl";
import { nextRate, type Playback, player, type Track } from "./player";
import styles from "./VoiceNote.module.css";
import { Waveform } from "./Waveform";

/** Of what is not the recording that is played now, nothing changes. */
const STILL: Playback = { key: null, status: "idle", positionMs: 0, error: null, rate: 1 };

/** A recording with its player. */
export function VoiceNote({
  recording,
  trackKey,
  locate,
}: {
  recording: Recording;
  trackKey: string;
  locate: Track["locate"];
}) {
  const { t } = useTranslation("media");
  const playback = useStore(player.state, (state) => (state.key === trackKey ? state : STILL));
  const rate = useStore(player.state, (state) => state.rate);
  const track = useMemo(
    () => ({ key: trackKey, locate, durationMs: recording.durationMs }),
    [trackKey, locate, recording.durationMs],
  );
  const { status, positionMs } = playback;
  const running = status === "playing" || status === "loading";
  const begun = running || positionMs > 0;
  const length = formatDuration(recording.durationMs);

  return (
    // biome-ignore lint/a11y/useSemanticElements: a group of controls, not of fields
    <div className={styles.note} role="group" aria-label={t("voice.note", { duration: length })}>
      <button
        type="button"
        className={styles.play}
        onClick={() => player.toggle(track)}
        aria-label={t(running ? "voice.pause" : "voice.play")}
        aria-busy={status === "loading"}
      >
        <PlayIcon status={status} />
      </button>
      <div className={styles.middle}>
        <Waveform
          waveform={recording.waveform}
          positionMs={positionMs}
          durationMs={recording.durationMs}
          onSeek={(to) => player.seek(track, to)}
        />
        <span className={styles.time}>
          {status === "failed" ? (
            <span role="status" className={styles.failed}>
              {t(`problem.${mediaProblem(playback.error)}`)}
            </span>
          ) : (
            <span dir="ltr">{begun ? formatDuration(positionMs) : length}</span>
          )}
        </span>
      </div>
      {begun && (
        <button
          type="button"
          className={styles.rate}
          onClick={() => player.setRate(nextRate(rate))}
          aria-label={t("voice.rate", { rate })}
        >
          <span dir="ltr">{rate}×</span>
        </button>
      )}
    </div>
  );
}

function PlayIcon({ status }: { status: Playback["status"] }) {
  if (status === "loading") return <Spinner size={20} />;
  if (status === "failed") return <RotateCw size={20} aria-hidden="true" />;
  const Icon = status === "playing" ? Pause : Play;
  return <Icon size={20} fill="currentColor" aria-hidden="true" />;
}
