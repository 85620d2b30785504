import { Label } from "react-aria-components/Label";
import { RadioGroup as AriaRadioGroup, Radio } from "react-aria-components/RadioGroup";
import styles from "./RadioGroup.module.css";

export interface Choice<Value extends string> {
  value: Value;
  label: string;
  description?: string;
}

export function RadioGroup<Value extends string>({
  label,
  labelHidden,
  value,
  onChange,
  options,
  isDisabled,
}: {
  label: string;
  labelHidden?: boolean | undefined;
  value: Value;
  onChange: (value: Value) => void;
  options: readonly Choice<Value>[];
  isDisabled?: boolean | undefined;
}) {
  return (
    <AriaRadioGroup
      className={styles.group ?? ""}
      value={value}
      onChange={(chosen) => onChange(chosen as Value)}
      isDisabled={isDisabled === true}
    >
      <Label className={labelHidden === true ? "visually-hidden" : (styles.label ?? "")}>{label}</Label>
      {options.map((option) => (
        <Radio key={option.value} value={option.value} className={styles.radio ?? ""}>
          <span className={styles.dot} aria-hidden="true" />
          <span className={styles.words}>
            <span>{option.label}</span>
            {option.description !== undefined && (
              <span className={styles.description}>{option.description}</span>
            )}
          </span>
        </Radio>
      ))}
    </AriaRadioGroup>
  );
}
