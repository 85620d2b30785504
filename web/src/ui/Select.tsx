import { ChevronDown } from "lucide-react";
import { useId } from "react";
import { FieldFrame } from "./FieldFrame";
import frame from "./FieldFrame.module.css";
import styles from "./Select.module.css";

/** One of a few. The browser's own list: at home on every phone, with every screen reader. */
export function Select<Value extends string>({
  label,
  labelHidden,
  value,
  onChange,
  options,
  description,
  error,
  isDisabled,
}: {
  label: string;
  labelHidden?: boolean | undefined;
  value: Value;
  onChange: (value: Value) => void;
  options: readonly { value: Value; label: string }[];
  description?: React.ReactNode;
  error?: string | undefined;
  isDisabled?: boolean | undefined;
}) {
  const id = useId();
  return (
    <FieldFrame id={id} label={label} labelHidden={labelHidden} description={description} error={error}>
      <select
        id={id}
        className={`${frame.input} ${styles.select}`}
        value={value}
        disabled={isDisabled}
        onChange={(event) => onChange(event.target.value as Value)}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
      <ChevronDown size={18} className={styles.arrow} aria-hidden="true" />
    </FieldFrame>
  );
}
