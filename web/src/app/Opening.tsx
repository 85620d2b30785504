import { useTranslation } from "react-i18next";
import { signedOut } from "@/auth/session";
import type { ConnectionState } from "@/realtime/realtime";
import { Button, Spinner } from "@/ui";
import { useShownConnection } from "./connection";
import { Mark } from "./Mark";
import styles from "./Opening.module.css";

const QUIET: ConnectionState = { status: "online" };

/** Until there is something to show. On a new device that needs the server; then it says what it waits for. */
export function Opening({ connection = QUIET }: { connection?: ConnectionState }) {
  const { t } = useTranslation("app");
  const shown = useShownConnection(connection);
  return (
    <div className={styles.opening} role="status">
      <Mark size={64} />
      <Spinner size={28} />
      <p className={styles.words}>
        {shown?.kind === "offline"
          ? t("opening.offline")
          : shown?.kind === "retry"
            ? t("connection.retry", { count: shown.inSeconds })
            : t("loading")}
      </p>
      {shown !== null && shown.kind !== "catching-up" && (
        <Button onPress={() => signedOut()}>{t("opening.other")}</Button>
      )}
    </div>
  );
}
