import { useTranslation } from "react-i18next";
import styles from "./PasswordMeter.module.css";
import { STRENGTHS, type Strength } from "./passwordStrength";

/** How good the password is, in a word and four bars. `null` before there is one: then what makes one good. */
export function PasswordMeter({ strength }: { strength: Strength | null }) {
  const { t } = useTranslation("auth");
  const level = strength === null ? 0 : STRENGTHS.indexOf(strength);
  return (
    <span className={styles.meter} data-strength={strength ?? undefined}>
      <span className={styles.bars} aria-hidden="true">
        {STRENGTHS.slice(1).map((step, index) => (
          <span key={step} data-on={index < level} />
        ))}
      </span>
      <span aria-live="polite">{t(`strength.${strength ?? "none"}`)}</span>
    </span>
  );
}
