import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ErrorText, Row, Spinner } from "@/ui";
import { Avatar } from "@/ui/Avatar";
import styles from "./DemoAccounts.module.css";
import { type DemoAccount, useDemoAccounts } from "./demoAccounts";
import { signIn } from "./signing";

/** Somebody to be, by one press, where the server offers that. */
export function DemoAccounts() {
  const { t } = useTranslation("auth");
  const accounts = useDemoAccounts();
  const [pending, setPending] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  if (accounts.length === 0) return null;

  const enter = async ({ phone, password }: DemoAccount) => {
    setPending(phone);
    setError(null);
    try {
      await signIn(phone, password);
    } catch (failure) {
      setError(failure);
    } finally {
      setPending(null);
    }
  };
  return (
    <section className={styles.demo} aria-labelledby="demo-title">
      <h2 id="demo-title" className={styles.title}>
        {t("demo.title")}
      </h2>
      <ErrorText error={error} />
      <div className={styles.people}>
        {accounts.map((account) => (
          <Row
            key={account.phone}
            className={styles.person}
            avatar={<Avatar name={account.name} size={32} />}
            title={<bdi>{account.name}</bdi>}
            end={pending === account.phone ? <Spinner size={18} /> : undefined}
            isDisabled={pending !== null}
            onPress={() => void enter(account)}
          />
        ))}
      </div>
    </section>
  );
}
