import { useCallback, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useSearch } from "wouter";
import { useTitle } from "@/app/title";
import { Button, ErrorText, fieldError, PhoneField, TextField, told } from "@/ui";
import { AuthFrame } from "./AuthFrame";
import styles from "./AuthFrame.module.css";
import { PasswordMeter } from "./PasswordMeter";
import { passwordStrength } from "./passwordStrength";
import { signUp } from "./signing";
import { useAttempt } from "./useAttempt";

const LONGEST_NAME = 256;

export function SignUp() {
  const { t } = useTranslation("auth");
  const search = useSearch();
  const [name, setName] = useState("");
  const [phone, setPhone] = useState("");
  const [password, setPassword] = useState("");
  const [checked, setChecked] = useState(false);
  const { run, pending, error, waitSeconds } = useAttempt(
    useCallback(() => signUp(name.trim(), phone, password), [name, phone, password]),
  );
  useTitle(t("sign_up.title"));
  const strength = passwordStrength(password, [name, phone.replace("+", "")]);
  const wrong = {
    name: checked && name.trim() === "",
    phone: checked && phone.length < 4,
    password: checked && strength === "short",
  };
  const refused = {
    name: fieldError(error, "name") !== undefined,
    phone: fieldError(error, "phone") !== undefined,
    taken: error !== null && told(error).problem === "phone_taken",
    password: fieldError(error, "password") !== undefined,
  };
  const elsewhere = error !== null && !Object.values(refused).includes(true);

  return (
    <AuthFrame title={t("sign_up.welcome")} lead={t("sign_up.lead")}>
      <form
        className={styles.form}
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          setChecked(true);
          const complete = name.trim() !== "" && phone.length >= 4 && strength !== "short";
          if (complete && !pending && waitSeconds === 0) void run();
        }}
      >
        <TextField
          label={t("name")}
          description={t("name_hint")}
          autoComplete="name"
          autoFocus
          maxLength={LONGEST_NAME}
          value={name}
          onChange={setName}
          error={wrong.name || refused.name ? t("wrong.name") : undefined}
        />
        <PhoneField
          label={t("phone")}
          value={phone}
          onChange={setPhone}
          autoComplete="username"
          error={
            refused.taken ? t("wrong.taken") : wrong.phone || refused.phone ? t("wrong.phone") : undefined
          }
        />
        <TextField
          label={t("password")}
          type="password"
          autoComplete="new-password"
          maxLength={256}
          value={password}
          onChange={setPassword}
          error={wrong.password || refused.password ? t("wrong.password") : undefined}
          description={<PasswordMeter strength={password === "" ? null : strength} />}
        />
        {elsewhere && <ErrorText error={error} />}
        <Button variant="primary" type="submit" wide isPending={pending} isDisabled={waitSeconds > 0}>
          {waitSeconds > 0 ? t("wait", { count: waitSeconds }) : t("sign_up.action")}
        </Button>
      </form>
      <p className={styles.other}>
        {t("sign_up.known")}{" "}
        <Link href={`/signin${search === "" ? "" : `?${search}`}`}>{t("sign_in.action")}</Link>
      </p>
    </AuthFrame>
  );
}
