import { useTranslation } from "react-i18next";
import { formatFull, formatTime } from "@/ui";
import styles from "./Meta.module.css";
import { Ticks } from "./Ticks";
import type { Progress } from "./ticks";
import type { TimelineRow } from "./timeline";

/** When it was written, whether it has been changed, and how far it has come. */
export function Meta({ row, progress }: { row: TimelineRow; progress: Progress | null }) {
  const { t, i18n } = useTranslation("chat");
  const edited = row.kind === "message" && row.message.edited_at != null && row.message.deleted !== true;
  return (
    <span className={styles.meta}>
      {/* The text may be of another direction than the page, whose words these are. */}
      <span className={styles.words} dir={i18n.dir()}>
        {edited && row.kind === "message" && (
          <span title={formatFull(row.message.edited_at ?? row.at)}>{t("edited")}</span>
        )}
        <time dateTime={row.at} dir="auto" title={formatFull(row.at)}>
          {formatTime(row.at)}
        </time>
        {progress !== null && <Ticks progress={progress} />}
      </span>
    </span>
  );
}
