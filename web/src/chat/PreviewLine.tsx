/** A message in one line: an icon for what it is, and its words. */
import { Ban, Camera, FileText, Info, MapPin, Mic, Radio, Video } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { Outgoing } from "@/realtime/realtime";
import type { MessageView } from "@/types/socket";
import { formatDuration } from "@/ui";
import styles from "./PreviewLine.module.css";
import { type Preview, previewOf } from "./preview";

const ICONS = {
  text: null,
  image: Camera,
  video: Video,
  audio: Mic,
  document: FileText,
  location: MapPin,
  "live-location": Radio,
  system: Info,
  deleted: Ban,
};

/** The same in words alone, for announcements and names. */
export function usePreviewText(): (preview: Preview) => string {
  const { t } = useTranslation("chat");
  return (preview) => {
    if (preview.kind === "text") return preview.text ?? "";
    const kind = t(`kind.${preview.kind}`);
    if (preview.text !== null) return preview.kind === "system" ? preview.text : `${kind}: ${preview.text}`;
    return kind;
  };
}

export function PreviewLine({ shown }: { shown: MessageView | Outgoing }) {
  const { t } = useTranslation("chat");
  const preview = previewOf(shown);
  const Icon = ICONS[preview.kind];
  return (
    <span className={styles.line} data-kind={preview.kind}>
      {Icon !== null && <Icon size={15} aria-hidden="true" className={styles.icon} />}
      {Icon !== null && preview.text !== null && (
        <span className="visually-hidden">{t(`kind.${preview.kind}`)}: </span>
      )}
      <span className={styles.text} dir="auto">
        {preview.text ?? (preview.kind === "text" ? "" : t(`kind.${preview.kind}`))}
        {preview.durationMs !== null && preview.text === null && (
          <span className={styles.duration}>{formatDuration(preview.durationMs)}</span>
        )}
      </span>
    </span>
  );
}
