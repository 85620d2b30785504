import { AlertCircle, Check, CheckCheck, Clock } from "lucide-react";
import { useTranslation } from "react-i18next";
import styles from "./Ticks.module.css";
import type { Progress } from "./ticks";

const ICONS = { waiting: Clock, failed: AlertCircle, sent: Check, delivered: CheckCheck, read: CheckCheck };

/** How far a message of one's own has come, as messengers show it. */
export function Ticks({ progress }: { progress: Progress }) {
  const { t } = useTranslation("chat");
  const Icon = ICONS[progress];
  return (
    <span className={styles.ticks} data-progress={progress} title={t(`progress.${progress}`)}>
      <Icon
        size={progress === "waiting" || progress === "failed" ? 13 : 16}
        strokeWidth={2.2}
        aria-hidden="true"
      />
      <span className="visually-hidden">{t(`progress.${progress}`)}</span>
    </span>
  );
}
