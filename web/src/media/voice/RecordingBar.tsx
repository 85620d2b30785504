import { Circle, Pause, SendHorizontal, Square, Trash2 } from "lucide-react";
import { useCallback, useEffect, useEffectEvent, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { useStore } from "zustand";
import type { Draft } from "@/realtime/realtime";
import { announce } from "@/ui/announcing";
import { formatDuration } from "@/ui/format";
import { IconButton } from "@/ui/IconButton";
import { Spinner } from "@/ui/Spinner";
import { toast } from "@/ui/toasting";
import { useIsRtl } from "../direction";
import { useObjectUrl } from "../ownFiles";
import { CANCEL_PX, type Gesture } from "./gesture";
import { record, type Take } from "./microphone";
import { player } from "./player";
import styles from "./RecordingBar.module.css";
import { Session } from "./session";
import { VoiceNote } from "./VoiceNote";

interface RecordingBarProps {
  /** The finger that holds the microphone; `null` when it goes on by itself. */
  held: Extract<Gesture, { phase: "held" }> | null;
  ending: "send" | "cancel" | null;
  /** Nothing was recorded yet when the finger was taken away, so it goes on without it. */
  onLocked: () => void;
  onRecorded: (draft: Draft) => void;
  onClose: () => void;
}

/** Over the composer while something is recorded: how long and how loud it is, and what can be done with it. */
export default function RecordingBar(props: RecordingBarProps) {
  const [session, setSession] = useState<Session | null>(null);
  useEffect(() => {
    player.pause();
    const made = new Session(record);
    setSession(made);
    void made.start();
    return () => made.discard();
  }, []);
  return session === null ? <div className={styles.bar} /> : <Running session={session} {...props} />;
}

function Running({
  session,
  held,
  ending,
  onLocked,
  onRecorded,
  onClose,
}: RecordingBarProps & { session: Session }) {
  const { t } = useTranslation("media");
  const rtl = useIsRtl();
  const { phase, elapsedMs, levels, take, problem } = useStore(session.state);

  useGuardedUnload(phase !== "failed");

  const cancel = useCallback(() => {
    announce(t("voice.cancelled"));
    onClose();
  }, [onClose, t]);
  const send = useCallback(async () => {
    const draft = await session.draft();
    if (draft === null) toast(t("voice.tooShort"));
    else onRecorded(draft);
    onClose();
  }, [session, onRecorded, onClose, t]);

  const end = useEffectEvent((how: "send" | "cancel") => {
    if (how === "cancel") cancel();
    else if (phase === "starting") onLocked();
    else void send();
  });
  useEffect(() => {
    if (ending !== null) end(ending);
  }, [ending]);
  useEffect(() => {
    if (phase === "recording") announce(t("voice.recording"));
  }, [phase, t]);

  if (phase === "failed" && problem !== null) {
    return (
      <div className={styles.bar} role="alert">
        <p className={styles.problem}>{t(`voice.problem.${problem}`)}</p>
        <IconButton label={t("voice.cancel")} icon={Trash2} onPress={onClose} autoFocus />
      </div>
    );
  }
  const running = phase === "recording" || phase === "paused";
  return (
    // biome-ignore lint/a11y/useSemanticElements: a group of buttons, not of fields
    <div
      className={styles.bar}
      role="group"
      aria-label={t("voice.recorder")}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !running) return;
        event.stopPropagation();
        void session.review();
      }}
    >
      {held === null && <IconButton label={t("voice.cancel")} icon={Trash2} onPress={cancel} />}
      {phase === "review" && take !== null ? (
        <Review take={take} />
      ) : (
        <>
          <span className={styles.light} data-on={phase === "recording"} aria-hidden="true" />
          <span className={styles.time} role="timer">
            {formatDuration(elapsedMs)}
          </span>
          {held === null ? (
            <Levels levels={levels} />
          ) : (
            <span
              className={styles.slide}
              style={{
                opacity: 1 - held.away / CANCEL_PX,
                translate: `${(rtl ? 1 : -1) * held.away * 0.6}px`,
              }}
            >
              {t("voice.slide")}
            </span>
          )}
        </>
      )}
      {held === null && running && (
        <>
          {phase === "recording" ? (
            <IconButton label={t("voice.pauseRecording")} icon={Pause} onPress={() => session.pause()} />
          ) : (
            <IconButton label={t("voice.resume")} icon={<RecordIcon />} onPress={() => session.resume()} />
          )}
          <IconButton
            label={t("voice.review")}
            icon={<Square size={17} fill="currentColor" aria-hidden="true" />}
            onPress={() => void session.review()}
          />
        </>
      )}
      {held === null && (
        <IconButton
          label={t("voice.send")}
          variant="primary"
          icon={
            phase === "starting" || phase === "finishing" ? (
              <Spinner size={18} />
            ) : (
              <SendHorizontal
                size={18}
                aria-hidden="true"
                style={rtl ? { transform: "scaleX(-1)" } : undefined}
              />
            )
          }
          isDisabled={phase === "starting" || phase === "finishing"}
          onPress={() => void send()}
          autoFocus
        />
      )}
    </div>
  );
}

const RecordIcon = () => (
  <Circle size={17} className={styles.record} fill="currentColor" aria-hidden="true" />
);

/** The newest at the end, moving on as it is spoken. */
function Levels({ levels }: { levels: readonly number[] }) {
  const path = levels
    .map((level, index) => {
      const height = Math.max(2, Math.round(level * 26));
      return `M${(72 - levels.length + index) * 4 + 2} ${(28 - height) / 2}v${height}`;
    })
    .join("");
  return (
    <svg
      className={styles.levels}
      viewBox="0 0 288 28"
      preserveAspectRatio="xMaxYMid slice"
      aria-hidden="true"
    >
      <path d={path} />
    </svg>
  );
}

function Review({ take }: { take: Take }) {
  const url = useObjectUrl(take.blob);
  const key = `take:${useId()}`;
  const where = useCallback(async () => url ?? "", [url]);
  useEffect(() => () => player.pause(), []);
  return (
    <div className={styles.review}>
      <VoiceNote recording={take} trackKey={key} locate={where} />
    </div>
  );
}

/** The browser asks before what is spoken is lost with the page. */
function useGuardedUnload(active: boolean): void {
  useEffect(() => {
    if (!active) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [active]);
}
