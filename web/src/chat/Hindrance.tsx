import { useTranslation } from "react-i18next";
import styles from "./Hindrance.module.css";
import type { HindranceKind } from "./useHindrance";

/** In the place of the composer: why one cannot write here, and what one can do about it. */
export function Hindrance({ hindrance }: { hindrance: HindranceKind }) {
  const { t } = useTranslation("chat");
  return (
    <div className={styles.bar} role="note">
      <span>{t(`hindrance.${hindrance.kind}`)}</span>
    </div>
  );
}
