import { CloudOff, RefreshCw } from "lucide-react";
import { useEffect, useRef } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import type { ConnectionState } from "@/realtime/realtime";
import { announce, Spinner } from "@/ui";
import styles from "./ConnectionBanner.module.css";
import { useShownConnection } from "./connection";

/** How things stand when they do not stand well; nothing otherwise. `onRetry` tries at once. */
export function ConnectionBanner({ state, onRetry }: { state: ConnectionState; onRetry: () => void }) {
  const { t } = useTranslation("app");
  const shown = useShownConnection(state);
  const kind = shown?.kind ?? null;
  const bad = useRef(false);

  // The seconds are not read out one by one; what has become of it is.
  useEffect(() => {
    if (kind === "offline") announce(t("connection.offline"));
    else if (kind === "connecting" && !bad.current) announce(t("connection.connecting"));
    else if (kind === null && bad.current && state.status === "online") announce(t("connection.online"));
    bad.current = kind !== null;
  }, [kind, state.status, t]);

  if (shown === null) return null;
  return (
    <div className={styles.banner} data-kind={shown.kind}>
      {shown.kind === "offline" ? (
        <CloudOff size={16} aria-hidden="true" />
      ) : shown.kind === "retry" ? (
        <RefreshCw size={16} aria-hidden="true" />
      ) : (
        <Spinner size={16} />
      )}
      <span className={styles.text}>
        {shown.kind === "offline" && t("connection.offline")}
        {shown.kind === "connecting" && t("connection.connecting")}
        {shown.kind === "retry" && t("connection.retry", { count: shown.inSeconds })}
        {shown.kind === "catching-up" && t("connection.catching_up")}
      </span>
      {shown.kind === "retry" && (
        <Button className={styles.retry ?? ""} onPress={onRetry}>
          {t("connection.now")}
        </Button>
      )}
    </div>
  );
}
