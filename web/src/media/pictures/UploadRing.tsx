import { X } from "lucide-react";
import { useTranslation } from "react-i18next";
import styles from "./UploadRing.module.css";

const RADIUS = 20;
const AROUND = 2 * Math.PI * RADIUS;

/** How far a file has come, and the way to stop it. */
export function UploadRing({
  progress,
  moving,
  inline = false,
  onCancel,
}: {
  progress: number;
  /** Whether it is on its way, or waits. */
  moving: boolean;
  /** Beside something, and not over it. */
  inline?: boolean;
  onCancel: () => void;
}) {
  const { t } = useTranslation("media");
  const shown = Math.min(1, Math.max(0.04, progress));
  return (
    <span className={inline ? styles.inline : styles.over}>
      <svg viewBox="0 0 44 44" aria-hidden="true" className={moving ? styles.turning : undefined}>
        <circle
          cx="22"
          cy="22"
          r={RADIUS}
          className={styles.done}
          strokeDasharray={`${shown * AROUND} ${AROUND}`}
        />
      </svg>
      <progress className="visually-hidden" max={1} value={progress} aria-label={t("uploading")} />
      <button type="button" className={styles.cancel} onClick={onCancel} aria-label={t("cancelUpload")}>
        <X size={20} aria-hidden="true" />
      </button>
    </span>
  );
}
