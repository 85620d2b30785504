import clsx from "clsx";
import { Button as AriaButton } from "react-aria-components/Button";
import { Link } from "wouter";
import styles from "./Row.module.css";

export interface RowProps {
  /** What stands at its start: an avatar or an icon. */
  avatar?: React.ReactNode;
  title: React.ReactNode;
  subtitle?: React.ReactNode;
  /** What stands at its end: a time, a badge, a button. A button only in a row that is not pressed itself. */
  end?: React.ReactNode;
  /** A row leads to an address, or does something, or neither. */
  href?: string | undefined;
  onPress?: (() => void) | undefined;
  selected?: boolean | undefined;
  danger?: boolean | undefined;
  isDisabled?: boolean | undefined;
  className?: string | undefined;
}

export function Row(props: RowProps) {
  const { avatar, title, subtitle, end, href, onPress, selected, danger, isDisabled, className } = props;
  const name = clsx(
    styles.row,
    (href !== undefined || onPress !== undefined) && styles.pressable,
    selected && styles.selected,
    danger && styles.danger,
    className,
  );
  const inside = (
    <>
      {avatar !== undefined && <span className={styles.avatar}>{avatar}</span>}
      <span className={styles.words}>
        <span className={styles.title}>{title}</span>
        {subtitle !== undefined && subtitle !== "" && <span className={styles.subtitle}>{subtitle}</span>}
      </span>
      {end !== undefined && <span className={styles.end}>{end}</span>}
    </>
  );
  if (href !== undefined) {
    return (
      <Link href={href} className={name} aria-current={selected === true ? "page" : undefined}>
        {inside}
      </Link>
    );
  }
  if (onPress !== undefined) {
    return (
      <AriaButton className={name} onPress={onPress} isDisabled={isDisabled === true}>
        {inside}
      </AriaButton>
    );
  }
  return <div className={name}>{inside}</div>;
}
