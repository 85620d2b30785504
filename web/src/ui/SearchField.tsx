import { Search, X } from "lucide-react";
import { useTranslation } from "react-i18next";
import { IconButton } from "./IconButton";
import styles from "./SearchField.module.css";

/** A field that filters what is below it; Escape empties it. `label` is its name and its placeholder. */
export function SearchField({
  label,
  value,
  onChange,
  inputRef,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  inputRef?: React.Ref<HTMLInputElement> | undefined;
}) {
  const { t } = useTranslation("app");
  return (
    <div className={styles.box}>
      <Search size={17} aria-hidden="true" />
      <input
        ref={inputRef}
        type="search"
        className={styles.input}
        aria-label={label}
        placeholder={label}
        // Empty, it is written in the direction of the page, as its placeholder is.
        {...(value !== "" && { dir: "auto" })}
        enterKeyHint="search"
        value={value}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape" || value === "") return;
          event.stopPropagation();
          onChange("");
        }}
      />
      {value !== "" && (
        <IconButton label={t("clear")} icon={X} onPress={() => onChange("")} className={styles.clear} />
      )}
    </div>
  );
}
