import { Info } from "lucide-react";
import { useCallback, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useSearch } from "wouter";
import { useStore } from "zustand";
import { useTitle } from "@/app/title";
import { Button, ErrorText, fieldError, PhoneField, TextField } from "@/ui";
import { AuthFrame } from "./AuthFrame";
import styles from "./AuthFrame.module.css";
import { DemoAccounts } from "./DemoAccounts";
import { sessionStore } from "./session";
import { signIn } from "./signing";
import { useAttempt } from "./useAttempt";

export function SignIn() {
  const { t } = useTranslation("auth");
  const search = useSearch();
  const lost = useStore(sessionStore, (state) => state.lost);
  const [phone, setPhone] = useState("");
  const [password, setPassword] = useState("");
  const [missing, setMissing] = useState(false);
  const { run, pending, error, waitSeconds } = useAttempt(
    useCallback(() => signIn(phone, password), [phone, password]),
  );
  useTitle(t("sign_in.title"));
  const phoneWrong = fieldError(error, "phone") !== undefined || (missing && phone === "");
  const passwordMissing = missing && password === "";

  return (
    <AuthFrame title={t("sign_in.welcome")} lead={t("sign_in.lead")}>
      {lost && (
        <p className={styles.note} role="status">
          <Info size={18} aria-hidden="true" />
          {t("sign_in.lost")}
        </p>
      )}
      <form
        className={styles.form}
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          setMissing(phone === "" || password === "");
          if (phone !== "" && password !== "" && !pending && waitSeconds === 0) void run();
        }}
      >
        <PhoneField
          label={t("phone")}
          value={phone}
          onChange={setPhone}
          autoComplete="username"
          autoFocus
          error={phoneWrong ? t("wrong.phone") : undefined}
        />
        <TextField
          label={t("password")}
          type="password"
          autoComplete="current-password"
          value={password}
          onChange={setPassword}
          error={passwordMissing ? t("wrong.no_password") : undefined}
        />
        {!phoneWrong && <ErrorText error={error} />}
        <Button variant="primary" type="submit" wide isPending={pending} isDisabled={waitSeconds > 0}>
          {waitSeconds > 0 ? t("wait", { count: waitSeconds }) : t("sign_in.action")}
        </Button>
      </form>
      <p className={styles.other}>
        {t("sign_in.new")}{" "}
        <Link href={`/signup${search === "" ? "" : `?${search}`}`}>{t("sign_up.action")}</Link>
      </p>
      <DemoAccounts />
    </AuthFrame>
  );
}
