import clsx from "clsx";
import { X } from "lucide-react";
import { Dialog as AriaDialog } from "react-aria-components/Dialog";
import { Heading } from "react-aria-components/Heading";
import { Modal, ModalOverlay } from "react-aria-components/Modal";
import { useTranslation } from "react-i18next";
import styles from "./Dialog.module.css";
import { IconButton } from "./IconButton";

/**
 * A window over the page, open as long as it is rendered. Escape, the cross and a press outside ask to close it (`onClose`).
 *
 * `actions` stand at its end and stay in sight. `role="alertdialog"` for a question that has to be answered: a press outside does nothing then.
 */
export function Dialog({
  title,
  onClose,
  actions,
  role = "dialog",
  size = "m",
  children,
}: {
  title: string;
  onClose: () => void;
  actions?: React.ReactNode;
  role?: "dialog" | "alertdialog" | undefined;
  size?: "s" | "m" | "l" | undefined;
  children?: React.ReactNode;
}) {
  const { t } = useTranslation("app");
  return (
    <ModalOverlay
      isOpen
      isDismissable={role === "dialog"}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      className={styles.scrim ?? ""}
    >
      <Modal className={clsx(styles.modal, styles[size])}>
        <AriaDialog role={role} className={styles.dialog ?? ""}>
          <header className={styles.header}>
            <Heading slot="title" className={styles.title ?? ""}>
              {title}
            </Heading>
            {role === "dialog" && <IconButton label={t("close")} icon={X} onPress={onClose} />}
          </header>
          {children !== undefined && <div className={styles.body}>{children}</div>}
          {actions !== undefined && <footer className={styles.actions}>{actions}</footer>}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}
