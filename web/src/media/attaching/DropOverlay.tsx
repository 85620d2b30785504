import { Upload } from "lucide-react";
import { createPortal } from "react-dom";
import { useTranslation } from "react-i18next";
import styles from "./DropOverlay.module.css";

/** Over the part of the page that takes what is held over it. */
export default function DropOverlay({ over }: { over: DOMRect }) {
  const { t } = useTranslation("media");
  return createPortal(
    <div
      className={styles.overlay}
      style={{ left: over.left, top: over.top, width: over.width, height: over.height }}
    >
      <div className={styles.inside}>
        <Upload size={40} strokeWidth={1.6} aria-hidden="true" />
        <p>{t("attach.drop")}</p>
      </div>
    </div>,
    document.body,
  );
}
