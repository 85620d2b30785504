import { useMutation } from "@tanstack/react-query";
import { BellOff } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useStore } from "zustand";
import { ErrorText, Switch } from "@/ui";
import styles from "./NotificationSettings.module.css";
import { prefer, preferences } from "./preferences";
import { playChime } from "./sound";
import { askPermission, type Permission, permission, subscribe, unsubscribe } from "./subscription";

/** What this browser tells of, and how. Another device has its own settings. */
export function NotificationSettings() {
  const { t } = useTranslation("channels");
  const { enabled, sound, preview } = useStore(preferences);
  const allowed = usePermission();
  const on = enabled && allowed === "granted";

  const change = useMutation({
    mutationFn: async (wanted: boolean) => {
      if (!wanted) {
        prefer({ enabled: false });
        await unsubscribe();
        return;
      }
      if ((await askPermission()) !== "granted") return;
      await subscribe();
      prefer({ enabled: true });
    },
  });

  return (
    <div className={styles.settings}>
      <Switch
        label={t("settings.notify")}
        description={t(`settings.${on ? "on" : allowed === "granted" ? "off" : allowed}`)}
        isSelected={change.isPending ? change.variables : on}
        isDisabled={change.isPending || allowed === "unsupported" || allowed === "denied"}
        onChange={(wanted) => change.mutate(wanted)}
      />
      {change.error instanceof DOMException ? (
        <p className={styles.problem} role="alert">
          {t("settings.service")}
        </p>
      ) : (
        <ErrorText error={change.error} onRetry={() => change.mutate(change.variables ?? true)} />
      )}
      {allowed === "denied" && (
        <p className={styles.hint}>
          <BellOff size={16} aria-hidden="true" />
          <span>{t("settings.deniedHow")}</span>
        </p>
      )}
      <Switch
        label={t("settings.preview")}
        description={t("settings.previewHint")}
        isSelected={preview}
        onChange={(wanted) => prefer({ preview: wanted })}
      />
      <Switch
        label={t("settings.sound")}
        description={t("settings.soundHint")}
        isSelected={sound}
        onChange={(wanted) => {
          prefer({ sound: wanted });
          if (wanted) void playChime();
        }}
      />
      <p className={styles.device}>{t("settings.device")}</p>
    </div>
  );
}

/** What the browser allows by now: it may be changed in its own settings while this page is open. */
function usePermission(): Permission {
  const [allowed, setAllowed] = useState(permission);
  useEffect(() => {
    const look = () => setAllowed(permission());
    let status: PermissionStatus | undefined;
    let over = false;
    navigator.permissions?.query({ name: "notifications" }).then(
      (found) => {
        if (over) return;
        status = found;
        status.addEventListener("change", look);
      },
      // A browser that does not tell of changes: it is looked at when somebody comes back to the page.
      () => undefined,
    );
    window.addEventListener("focus", look);
    return () => {
      over = true;
      status?.removeEventListener("change", look);
      window.removeEventListener("focus", look);
    };
  }, []);
  return allowed;
}
