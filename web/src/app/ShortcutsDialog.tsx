import { useTranslation } from "react-i18next";
import { Dialog } from "@/ui";
import { ShortcutsList } from "./ShortcutsList";

export function ShortcutsDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("app");
  return (
    <Dialog title={t("shortcuts.title")} onClose={onClose}>
      <ShortcutsList />
    </Dialog>
  );
}
