import { useTranslation } from "react-i18next";
import type { Outgoing } from "@/realtime/realtime";
import { useRealtime } from "@/store/context";
import styles from "./Failed.module.css";

/** Will not be sent by itself any more: why, and what one can do. */
export function Failed({ outgoing }: { outgoing: Outgoing }) {
  const { t } = useTranslation("chat");
  const client = useRealtime();
  const { clientId, error } = outgoing;
  return (
    <span className={styles.failed} role="alert">
      <span>
        {t("notSent")}
        {error !== null && <span className={styles.reason}> {error.message}</span>}
      </span>
      <span className={styles.ways}>
        <button type="button" onClick={() => void client.retry(clientId)}>
          {t("action.retry")}
        </button>
        <button type="button" onClick={() => void client.discard(clientId)}>
          {t("action.discard")}
        </button>
      </span>
    </span>
  );
}
