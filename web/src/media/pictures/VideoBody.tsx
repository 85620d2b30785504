import { Maximize2, Play } from "lucide-react";
import { useCallback, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { formatDuration } from "@/ui/format";
import type { Picture } from "../content";
import { isPlayable } from "../files";
import { leaveFloor, takeFloor } from "../floor";
import { useMediaUrl } from "../mediaUrl";
import { Unavailable } from "../Unavailable";
import { Frame } from "./Frame";
import styles from "./VideoBody.module.css";

/** A video in a conversation: its preview until it is played, in its place. Nothing of it is fetched before. */
export function VideoBody({
  picture,
  mediaId,
  local,
  name,
  onOpen,
}: {
  picture: Picture;
  mediaId: string | null;
  local: { url: string; type: string } | null;
  name: string;
  onOpen: (() => void) | null;
}) {
  const { t } = useTranslation("media");
  const [playing, setPlaying] = useState(false);
  return (
    <Frame picture={picture} sharp={!playing}>
      {playing ? (
        <PlayingVideo mediaId={mediaId} local={local} name={name} />
      ) : (
        <button
          type="button"
          className={styles.play}
          onClick={() => setPlaying(true)}
          aria-label={t("play", { name })}
        >
          <span className={styles.disc}>
            <Play size={26} fill="currentColor" aria-hidden="true" />
          </span>
        </button>
      )}
      {!playing && picture.durationMs !== null && (
        <span className={styles.length}>{formatDuration(picture.durationMs)}</span>
      )}
      {onOpen !== null && (
        <button type="button" className={styles.larger} onClick={onOpen} aria-label={t("open", { name })}>
          <Maximize2 size={16} aria-hidden="true" />
        </button>
      )}
    </Frame>
  );
}

/** The player itself. When its URL has run out, it goes on from the same place with another. */
export function PlayingVideo({
  mediaId,
  local,
  name,
  className,
}: {
  mediaId: string | null;
  local: { url: string; type: string } | null;
  name: string;
  className?: string | undefined;
}) {
  const ref = useRef<HTMLVideoElement>(null);
  const file = useMediaUrl(local === null ? mediaId : null);
  const [source, setSource] = useState<{ url: string; fresh: boolean } | null>(null);
  const [failed, setFailed] = useState(false);
  const resumeAt = useRef(0);
  const given = local ?? (file.data ? { url: file.data.url, type: file.data.content_type } : null);
  const playable = given === null || isPlayable("video", given.type);

  useEffect(() => {
    if (given !== null && source === null) setSource({ url: given.url, fresh: true });
  }, [given, source]);

  const pause = useCallback(() => ref.current?.pause(), []);
  useEffect(() => () => leaveFloor(pause), [pause]);

  const onError = async () => {
    resumeAt.current = ref.current?.currentTime ?? 0;
    if (source?.fresh === false || local !== null) return setFailed(true);
    const again = await file.refetch();
    if (again.data === undefined) setFailed(true);
    else setSource({ url: again.data.url, fresh: false });
  };
  const retry = () => {
    setFailed(false);
    setSource(null);
    void file.refetch();
  };

  if (file.error !== null || failed || !playable) {
    return <Unavailable error={file.error ?? new TypeError("it cannot be played")} onRetry={retry} />;
  }
  return (
    // biome-ignore lint/a11y/useMediaCaption: what people film has no captions
    <video
      ref={ref}
      className={className}
      src={source?.url}
      aria-label={name}
      controls
      autoPlay
      playsInline
      onPlay={() => takeFloor(pause)}
      onLoadedMetadata={(event) => {
        if (resumeAt.current > 0) event.currentTarget.currentTime = resumeAt.current;
      }}
      onError={() => void onError()}
    />
  );
}
