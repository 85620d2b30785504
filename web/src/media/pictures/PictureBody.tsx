import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Picture } from "../content";
import { useMediaUrl } from "../mediaUrl";
import { Unavailable } from "../Unavailable";
import { Frame } from "./Frame";
import styles from "./PictureBody.module.css";

/** A picture in a conversation. Pressing it opens it. */
export function PictureBody({
  picture,
  mediaId,
  local,
  name,
  onOpen,
}: {
  picture: Picture;
  mediaId: string | null;
  /** An object URL of the same file, if it is at hand. */
  local: string | null;
  /** What it is, for those who do not see it. */
  name: string;
  onOpen: (() => void) | null;
}) {
  const { t } = useTranslation("media");
  // What has been loaded stays: another URL of the same file would load it again.
  const [loaded, setLoaded] = useState<string | null>(null);
  const [refused, setRefused] = useState<{ url: string; tries: number } | null>(null);
  const wanted = local ?? loaded;
  const file = useMediaUrl(wanted === null ? mediaId : null);
  const url = wanted ?? file.data?.url ?? null;

  const onError = () => {
    if (url === null) return;
    const tries = (refused?.tries ?? 0) + 1;
    setRefused({ url, tries });
    setLoaded(null);
    if (tries === 1 && local === null) void file.refetch();
  };
  const retry = () => {
    setRefused(null);
    void file.refetch();
  };
  const broken = url !== null && refused?.url === url && (refused.tries > 1 || !file.isFetching);

  return (
    <Frame picture={picture}>
      {url !== null && !broken && (
        <img
          key={url}
          className={styles.picture}
          data-loaded={loaded === url}
          src={url}
          alt={onOpen === null ? name : ""}
          decoding="async"
          draggable={false}
          onLoad={() => setLoaded(url)}
          onError={onError}
        />
      )}
      {onOpen !== null && (
        <button type="button" className={styles.open} onClick={onOpen} aria-label={t("open", { name })} />
      )}
      {(file.error !== null || broken) && wanted === null && (
        <Unavailable error={file.error ?? new TypeError("refused")} onRetry={retry} />
      )}
    </Frame>
  );
}
