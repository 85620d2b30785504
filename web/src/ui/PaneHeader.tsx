import { ArrowLeft } from "lucide-react";
import { useTranslation } from "react-i18next";
import { IconButton } from "./IconButton";
import styles from "./PaneHeader.module.css";

/** The top of a pane: what it is, the way back (on narrow screens or from a page within it), and what can be done with it. */
export function PaneHeader({
  title,
  onBack,
  children,
}: {
  title: React.ReactNode;
  onBack?: (() => void) | undefined;
  children?: React.ReactNode;
}) {
  const { t } = useTranslation("app");
  return (
    <header className={styles.header}>
      {onBack !== undefined && (
        <IconButton label={t("back")} icon={ArrowLeft} onPress={onBack} className={styles.back} />
      )}
      {typeof title === "string" ? (
        <h1 className={styles.title} tabIndex={-1} data-pane-title>
          {title}
        </h1>
      ) : (
        <div className={styles.title}>{title}</div>
      )}
      {children !== undefined && <div className={styles.end}>{children}</div>}
    </header>
  );
}
