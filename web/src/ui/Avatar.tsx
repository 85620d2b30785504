import clsx from "clsx";
import { useState } from "react";
import { useMediaUrl } from "@/media/mediaUrl";
import styles from "./Avatar.module.css";
import { hueOf, initialsOf } from "./initials";

export interface AvatarProps {
  name: string;
  mediaId?: string | null | undefined;
  /** In px. */
  size?: number | undefined;
  online?: boolean | undefined;
}

/** Somebody's picture, or their initials on a colour of their own. The name beside it says who it is, so it is not read aloud. */
export function Avatar({ name, mediaId, size = 44, online }: AvatarProps) {
  return (
    <span
      className={styles.avatar}
      style={{ inlineSize: size, blockSize: size, fontSize: size * 0.38 }}
      data-hue={hueOf(name)}
      aria-hidden="true"
    >
      <span className={styles.initials}>{initialsOf(name)}</span>
      {typeof mediaId === "string" && mediaId !== "" && <Picture key={mediaId} mediaId={mediaId} />}
      {online === true && <span className={clsx(styles.online, size >= 56 && styles.large)} />}
    </span>
  );
}

function Picture({ mediaId }: { mediaId: string }) {
  const [shown, setShown] = useState(false);
  const { data } = useMediaUrl(mediaId);
  if (data === undefined) return null;
  return (
    <img
      className={styles.picture}
      src={data.url}
      alt=""
      draggable={false}
      data-shown={shown}
      onLoad={() => setShown(true)}
      onError={() => setShown(false)}
    />
  );
}
