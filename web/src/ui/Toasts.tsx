import clsx from "clsx";
import { X } from "lucide-react";
import { useEffect, useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useStore } from "zustand";
import { IconButton } from "./IconButton";
import styles from "./Toasts.module.css";
import { dismissToast, staysMs, type Toast, toasts } from "./toasting";

/** Where toasts are shown. Once, at the root. They wait while they are pointed at or have the focus. */
export function Toasts() {
  const { t } = useTranslation("app");
  const shown = useStore(toasts, (state) => state.shown);
  return (
    <section className={styles.toasts} aria-label={t("notes")} aria-live="polite" aria-relevant="additions">
      {shown.map((one) => (
        <ToastNote key={one.id} toast={one} />
      ))}
    </section>
  );
}

function ToastNote({ toast }: { toast: Toast }) {
  const { t } = useTranslation("app");
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (held) return undefined;
    const timer = window.setTimeout(() => dismissToast(toast.id), staysMs(toast));
    return () => window.clearTimeout(timer);
  }, [held, toast]);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only waits while it is looked at
    <div
      className={clsx(styles.toast, toast.error === true && styles.error)}
      role={toast.error === true ? "alert" : undefined}
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      <span className={styles.text}>{toast.text}</span>
      {toast.action !== undefined && (
        <Button
          className={styles.action ?? ""}
          onPress={() => {
            toast.action?.onPress();
            dismissToast(toast.id);
          }}
        >
          {toast.action.label}
        </Button>
      )}
      <IconButton
        label={t("dismiss")}
        icon={<X size={16} aria-hidden="true" />}
        onPress={() => dismissToast(toast.id)}
        className={styles.close}
      />
    </div>
  );
}
