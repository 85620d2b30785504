import { useTranslation } from "react-i18next";
import styles from "./FilterBar.module.css";
import { FILTERS, type Filter } from "./filters";

export function FilterBar({ filter, onChange }: { filter: Filter; onChange: (filter: Filter) => void }) {
  const { t } = useTranslation("chat");
  return (
    <fieldset className={styles.bar}>
      <legend className="visually-hidden">{t("filters")}</legend>
      {FILTERS.map((each) => (
        <button
          key={each}
          type="button"
          className={styles.chip}
          aria-pressed={each === filter}
          onClick={() => onChange(each)}
        >
          {t(`filter.${each}`)}
        </button>
      ))}
    </fieldset>
  );
}
