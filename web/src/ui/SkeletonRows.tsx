import styles from "./SkeletonRows.module.css";

/** What stands for a list that is on its way. `label` says so to those who hear the page. */
export function SkeletonRows({ label, count = 6 }: { label: string; count?: number }) {
  return (
    <div role="status">
      <span className="visually-hidden">{label}</span>
      {Array.from({ length: count }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all the same and never change places
        <div key={index} className={styles.row} aria-hidden="true">
          <span className={styles.avatar} />
          <span className={styles.words}>
            <span className={styles.title} />
            <span className={styles.subtitle} />
          </span>
        </div>
      ))}
    </div>
  );
}
