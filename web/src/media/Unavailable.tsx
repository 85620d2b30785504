import { CloudOff, EyeOff, FileX2, RotateCw } from "lucide-react";
import { useTranslation } from "react-i18next";
import { type MediaProblem, mediaProblem } from "./mediaUrl";
import styles from "./Unavailable.module.css";

const ICONS = { gone: FileX2, forbidden: EyeOff, offline: CloudOff } satisfies Record<MediaProblem, unknown>;

/** Instead of a file that cannot be had: why, and whether to try again. */
export function Unavailable({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  const { t } = useTranslation("media");
  const problem = mediaProblem(error);
  const Icon = ICONS[problem];
  return (
    <span className={styles.unavailable} role="status">
      <Icon size={22} aria-hidden="true" />
      <span>{t(`problem.${problem}`)}</span>
      {problem === "offline" && (
        <button type="button" className={styles.retry} onClick={onRetry}>
          <RotateCw size={14} aria-hidden="true" />
          {t("retry")}
        </button>
      )}
    </span>
  );
}
