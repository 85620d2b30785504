import { useId } from "react";
import { Switch as AriaSwitch } from "react-aria-components/Switch";
import styles from "./Switch.module.css";

export function Switch({
  label,
  description,
  isSelected,
  onChange,
  isDisabled,
}: {
  label: string;
  description?: React.ReactNode;
  isSelected: boolean;
  onChange: (on: boolean) => void;
  isDisabled?: boolean | undefined;
}) {
  const id = useId();
  return (
    <AriaSwitch
      className={styles.switch ?? ""}
      isSelected={isSelected}
      onChange={onChange}
      isDisabled={isDisabled === true}
      {...(description === undefined ? {} : { "aria-describedby": id })}
      aria-label={label}
    >
      <span className={styles.words}>
        <span className={styles.label}>{label}</span>
        {description !== undefined && (
          <span id={id} className={styles.description}>
            {description}
          </span>
        )}
      </span>
      <span className={styles.track} aria-hidden="true">
        <span className={styles.thumb} />
      </span>
    </AriaSwitch>
  );
}
