import { ChevronUp, Mic } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Draft } from "@/realtime/realtime";
import { Guard } from "../Guard";
import { type Gesture, type GestureEvent, pressed } from "./gesture";
import styles from "./VoiceRecorder.module.css";

const RecordingBar = lazy(() => import("./RecordingBar"));

const IDLE: Gesture = { phase: "idle" };

/**
 * Records a voice note: pressed shortly, until a button ends it; held, for as long as it is held. While it records, its bar lies over the nearest positioned
 * element around it: the composer.
 */
export function VoiceRecorder({
  onRecorded,
  isDisabled = false,
}: {
  onRecorded: (draft: Draft) => void;
  isDisabled?: boolean;
}) {
  const { t } = useTranslation("media");
  const [active, setActive] = useState(false);
  const [gesture, setGesture] = useState<Gesture>(IDLE);
  const [ending, setEnding] = useState<"send" | "cancel" | null>(null);
  const [origin, setOrigin] = useState({ x: 0, y: 0 });

  const take = (event: GestureEvent) => {
    const { gesture: next, outcome } = pressed(gesture, event);
    if (next !== gesture) setGesture(next);
    if (outcome === "begin") {
      setEnding(null);
      setActive(true);
    } else if (outcome !== null) setEnding(outcome);
  };
  const close = () => {
    setActive(false);
    setGesture(IDLE);
    setEnding(null);
  };
  const onPointerMove = (event: React.PointerEvent<HTMLButtonElement>) => {
    if (gesture.phase !== "held") return;
    const rtl = getComputedStyle(event.currentTarget).direction === "rtl";
    const aside = event.clientX - origin.x;
    take({ type: "move", away: rtl ? aside : -aside, up: origin.y - event.clientY });
  };

  return (
    <>
      <button
        type="button"
        className={styles.microphone}
        data-held={gesture.phase === "held"}
        disabled={isDisabled}
        aria-label={t("voice.record")}
        title={t("voice.record")}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          setOrigin({ x: event.clientX, y: event.clientY });
          take({ type: "press", at: event.timeStamp });
        }}
        onPointerMove={onPointerMove}
        onPointerUp={(event) => take({ type: "release", at: event.timeStamp })}
        onPointerCancel={(event) => take({ type: "release", at: event.timeStamp })}
        onContextMenu={(event) => event.preventDefault()}
        onClick={(event) => {
          // By a key or a screen reader: a pointer has begun already.
          if (event.detail !== 0 || active) return;
          setGesture({ phase: "locked" });
          setEnding(null);
          setActive(true);
        }}
      >
        <Mic size={21} aria-hidden="true" />
        {gesture.phase === "held" && (
          <span className={styles.lock} aria-hidden="true">
            <ChevronUp size={16} />
            {t("voice.lock")}
          </span>
        )}
      </button>
      {active && (
        <Guard onFailure={close}>
          <Suspense fallback={<div className={styles.starting} />}>
            <RecordingBar
              held={gesture.phase === "held" ? gesture : null}
              ending={ending}
              onLocked={() => {
                setGesture({ phase: "locked" });
                setEnding(null);
              }}
              onRecorded={onRecorded}
              onClose={close}
            />
          </Suspense>
        </Guard>
      )}
    </>
  );
}
