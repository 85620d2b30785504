import styles from "./Section.module.css";

/** What belongs together on a page of the settings. */
export function Section({
  title,
  lead,
  children,
}: {
  title: string;
  lead?: React.ReactNode;
  children: React.ReactNode;
}) {
  return (
    <div data-section>
      <h2 className={styles.title}>{title}</h2>
      <div className={styles.card}>
        {lead !== undefined && <p className={styles.lead}>{lead}</p>}
        {children}
      </div>
    </div>
  );
}
