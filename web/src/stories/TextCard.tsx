import { groundOf, sizeOf } from "./colours";
import styles from "./TextCard.module.css";

/** A story of words alone. */
export function TextCard({ text, children }: { text: string; children?: React.ReactNode }) {
  return (
    <div className={styles.card} data-ground={groundOf(text)} data-size={sizeOf(text)}>
      {children ?? (
        <p className={styles.text} dir="auto">
          {text}
        </p>
      )}
    </div>
  );
}
