import { Languages } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Mark } from "@/app/Mark";
import { isLanguage, LANGUAGES, setLanguage } from "@/i18n";
import styles from "./AuthFrame.module.css";

/** What signing in and signing up have around them. */
export function AuthFrame({
  title,
  lead,
  children,
}: {
  title: string;
  lead: string;
  children: React.ReactNode;
}) {
  const { t, i18n } = useTranslation("auth");
  return (
    <div className={styles.page}>
      <div className={styles.art} aria-hidden="true">
        <div className={styles.bubbles}>
          <span className={styles.theirs} />
          <span className={styles.own} />
          <span className={styles.theirs} />
          <span className={styles.own} />
        </div>
        <p className={styles.claim}>{t("claim")}</p>
      </div>
      <main className={styles.main}>
        <label className={styles.language}>
          <Languages size={17} aria-hidden="true" />
          <span className="visually-hidden">{t("language")}</span>
          <select
            value={i18n.language}
            onChange={(event) => {
              if (isLanguage(event.target.value)) void setLanguage(event.target.value);
            }}
          >
            {Object.entries(LANGUAGES).map(([code, name]) => (
              <option key={code} value={code} lang={code}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <div className={styles.card}>
          <Mark size={56} />
          <h1 className={styles.title}>{title}</h1>
          <p className={styles.lead}>{lead}</p>
          {children}
        </div>
      </main>
    </div>
  );
}
