import { useEffect, useEffectEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { picture } from "@/media/content";
import { isPlayable } from "@/media/files";
import { useMediaUrl } from "@/media/mediaUrl";
import { Unavailable } from "@/media/Unavailable";
import type { StoryView } from "@/types/socket";
import { Spinner } from "@/ui/Spinner";
import styles from "./StorySlide.module.css";
import { TextCard } from "./TextCard";
import { shownMs } from "./timing";

interface Running {
  story: StoryView;
  /** It does not go on: paused, held, or something else is looked at. */
  still: boolean;
  /** 0 to 1, as often as the screen is drawn. */
  onProgress: (progress: number) => void;
  onEnd: () => void;
}

/** What a story shows, and the time that it takes. */
export function StorySlide({
  muted,
  onMuted,
  ...running
}: Running & { muted: boolean; onMuted: () => void }) {
  const { story } = running;
  if (story.type === "video") return <VideoSlide {...running} muted={muted} onMuted={onMuted} />;
  if (story.type === "image") return <PictureSlide {...running} />;
  return <TextSlide {...running} />;
}

function TextSlide({ story, ...running }: Running) {
  const { text } = story.content as Record<string, unknown>;
  useClock(shownMs(story), running.still, running);
  return <TextCard text={typeof text === "string" ? text : ""} />;
}

function PictureSlide({ story, still, ...running }: Running) {
  const { t } = useTranslation("stories");
  const content = picture(story.content as Record<string, unknown>);
  const [loaded, setLoaded] = useState<string | null>(null);
  const [failed, setFailed] = useState(false);
  const file = useMediaUrl(loaded === null ? story.media_id : null);
  const url = loaded ?? file.data?.url ?? null;
  useClock(shownMs(story), still || loaded === null, running);
  return (
    <div className={styles.slide}>
      {content.thumbnail !== null && <img className={styles.ground} src={content.thumbnail} alt="" />}
      {url !== null && !failed && (
        <img
          className={styles.media}
          src={url}
          alt={content.caption || t("photo")}
          draggable={false}
          onLoad={() => setLoaded(url)}
          onError={() => setFailed(true)}
        />
      )}
      <Waiting
        shown={loaded === null}
        error={failed ? new TypeError("refused") : file.error}
        onRetry={() => {
          setFailed(false);
          void file.refetch();
        }}
      />
    </div>
  );
}

function VideoSlide({
  story,
  still,
  muted,
  onMuted,
  onProgress,
  onEnd,
}: Running & { muted: boolean; onMuted: () => void }) {
  const { t } = useTranslation("stories");
  const ref = useRef<HTMLVideoElement>(null);
  const content = picture(story.content as Record<string, unknown>);
  const [kept, setKept] = useState<string | null>(null);
  const [failed, setFailed] = useState(false);
  const file = useMediaUrl(kept === null ? story.media_id : null);
  const playable = file.data === undefined || isPlayable("video", file.data.content_type);
  const url = kept ?? (playable ? (file.data?.url ?? null) : null);

  useEffect(() => {
    const video = ref.current;
    if (video === null || url === null) return;
    if (still) return video.pause();
    video.play().catch((error: unknown) => {
      // Without a press before, browsers play nothing that is heard.
      if (error instanceof DOMException && error.name === "NotAllowedError") onMuted();
    });
  }, [still, url, onMuted]);
  const tell = useEffectEvent(() => {
    const video = ref.current;
    if (video !== null && video.duration > 0) onProgress(video.currentTime / video.duration);
  });
  useEffect(() => {
    if (still) return;
    let frame = requestAnimationFrame(function look() {
      tell();
      frame = requestAnimationFrame(look);
    });
    return () => cancelAnimationFrame(frame);
  }, [still]);

  return (
    <div className={styles.slide}>
      {content.thumbnail !== null && <img className={styles.ground} src={content.thumbnail} alt="" />}
      {url !== null && !failed && (
        <video
          ref={ref}
          className={styles.media}
          src={url}
          muted={muted}
          playsInline
          autoPlay={!still}
          aria-label={content.caption || t("video")}
          onLoadedData={() => setKept(url)}
          onEnded={onEnd}
          onError={() => setFailed(true)}
        />
      )}
      <Waiting
        shown={kept === null}
        error={failed || !playable ? new TypeError("it cannot be played") : file.error}
        onRetry={() => {
          setFailed(false);
          setKept(null);
          void file.refetch();
        }}
      />
    </div>
  );
}

function Waiting({ shown, error, onRetry }: { shown: boolean; error: unknown; onRetry: () => void }) {
  if (error) return <Unavailable error={error} onRetry={onRetry} />;
  return shown ? (
    <span className={styles.waiting}>
      <Spinner size={36} />
    </span>
  ) : null;
}

/** Time that passes while nothing is held. */
function useClock(lengthMs: number, still: boolean, on: Pick<Running, "onProgress" | "onEnd">): void {
  const passed = useRef(0);
  const tick = useEffectEvent((ms: number): boolean => {
    passed.current += ms;
    on.onProgress(Math.min(1, passed.current / lengthMs));
    if (passed.current < lengthMs) return true;
    on.onEnd();
    return false;
  });
  useEffect(() => {
    if (still) return;
    let before = performance.now();
    let frame = requestAnimationFrame(function look(now) {
      const goesOn = tick(Math.max(0, now - before));
      before = now;
      if (goesOn) frame = requestAnimationFrame(look);
    });
    return () => cancelAnimationFrame(frame);
  }, [still]);
}

/** Has the next picture loaded before it is shown. */
export function Preload({ story }: { story: StoryView }) {
  const file = useMediaUrl(story.type === "image" ? story.media_id : null);
  return file.data === undefined ? null : <img className={styles.preload} src={file.data.url} alt="" />;
}
