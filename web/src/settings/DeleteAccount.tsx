import { useMutation } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ok } from "@/api/client";
import { forgetHere } from "@/auth/signing";
import { useRealtime } from "@/store/context";
import { Button, Dialog, ErrorText, TextField, toast, told } from "@/ui";
import { Section } from "./Section";
import styles from "./Section.module.css";

export function DeleteAccount() {
  const { t } = useTranslation("settings");
  const [asked, setAsked] = useState(false);
  return (
    <Section title={t("delete.title")} lead={t("delete.lead")}>
      <div>
        <Button icon={Trash2} variant="danger" onPress={() => setAsked(true)}>
          {t("delete.open")}
        </Button>
      </div>
      {asked && <DeleteDialog onClose={() => setAsked(false)} />}
    </Section>
  );
}

function DeleteDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("settings");
  const client = useRealtime();
  const [password, setPassword] = useState("");
  const end = useMutation({
    mutationFn: () => ok(api.DELETE("/api/v1/users/me", { body: { password } })),
    onSuccess: async () => {
      await forgetHere(client);
      toast(t("delete.done"));
    },
  });
  const wrong = end.error !== null && told(end.error).problem === "bad_credentials";
  return (
    <Dialog
      title={t("delete.sure")}
      role="alertdialog"
      size="s"
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>{t("cancel")}</Button>
          <Button
            variant="danger"
            type="submit"
            form="delete-account"
            isPending={end.isPending}
            isDisabled={password === ""}
          >
            {t("delete.action")}
          </Button>
        </>
      }
    >
      <form
        id="delete-account"
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          if (password !== "" && !end.isPending) end.mutate();
        }}
      >
        <p>{t("delete.body")}</p>
        <TextField
          label={t("delete.password")}
          type="password"
          autoComplete="current-password"
          autoFocus
          value={password}
          onChange={setPassword}
          error={wrong ? t("delete.wrong") : undefined}
        />
        {!wrong && <ErrorText error={end.error} />}
      </form>
    </Dialog>
  );
}
