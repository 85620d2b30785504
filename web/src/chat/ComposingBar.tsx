import { CornerUpLeft, Pencil, X } from "lucide-react";
import { useTranslation } from "react-i18next";
import { IconButton } from "@/ui";
import styles from "./ComposingBar.module.css";
import type { Composing } from "./commands";
import { Name } from "./Name";
import { PreviewLine } from "./PreviewLine";

/** Over the composer: which message is answered or changed. */
export function ComposingBar({
  composing,
  onDone,
}: {
  composing: Exclude<Composing, { kind: "new" }>;
  onDone: () => void;
}) {
  const { t } = useTranslation("chat");
  const Icon = composing.kind === "reply" ? CornerUpLeft : Pencil;
  return (
    <div className={styles.bar}>
      <Icon size={18} aria-hidden="true" className={styles.icon} />
      <div className={styles.words}>
        <span className={styles.what}>
          {composing.kind === "reply" ? <Name userId={composing.message.sender_id} /> : t("editing")}
        </span>
        <span className={styles.message}>
          <PreviewLine shown={composing.message} />
        </span>
      </div>
      <IconButton label={t(composing.kind === "reply" ? "noReply" : "noEdit")} icon={X} onPress={onDone} />
    </div>
  );
}
