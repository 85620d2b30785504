import { useTranslation } from "react-i18next";
import { useName } from "./Name";
import styles from "./TypingText.module.css";

/** "typing…", and in groups who. */
export function TypingText({ userIds, named }: { userIds: readonly string[]; named: boolean }) {
  const { t } = useTranslation("chat");
  const first = useName(userIds[0] ?? "");
  const words = !named
    ? t("typing.one")
    : userIds.length === 1
      ? t("typing.named", { name: first })
      : t("typing.several", { count: userIds.length });
  return (
    <span className={styles.typing}>
      {words}
      <span className={styles.dots} aria-hidden="true">
        <i />
        <i />
        <i />
      </span>
    </span>
  );
}
