import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useMe } from "@/store/hooks";
import { Button, ErrorText, fieldError, TextField, toast } from "@/ui";
import { AvatarEditor } from "./AvatarEditor";
import { Section } from "./Section";
import styles from "./Section.module.css";
import { useProfilePatch } from "./useProfilePatch";

const LONGEST_NAME = 256;
const LONGEST_STATUS = 140;

/** Who one is to others: picture, name, a line about oneself. */
export function Profile() {
  const { t } = useTranslation("settings");
  const me = useMe();
  const [name, setName] = useState(me.name);
  const [status, setStatus] = useState(me.status);
  const patch = useProfilePatch();
  const changed = name.trim() !== me.name || status.trim() !== me.status;
  const nameWrong = name.trim() === "" || fieldError(patch.error, "name") !== undefined;
  const statusWrong = fieldError(patch.error, "status") !== undefined;

  return (
    <>
      <AvatarEditor />
      <Section title={t("profile.section")}>
        <form
          className={styles.form}
          onSubmit={(event) => {
            event.preventDefault();
            if (!changed || name.trim() === "") return;
            patch.mutate(
              { name: name.trim(), status: status.trim() },
              { onSuccess: () => toast(t("profile.saved")) },
            );
          }}
        >
          <TextField
            label={t("profile.name")}
            value={name}
            onChange={setName}
            maxLength={LONGEST_NAME}
            autoComplete="name"
            error={nameWrong ? t("profile.name_wrong") : undefined}
          />
          <TextField
            label={t("profile.status")}
            description={t("profile.status_hint")}
            value={status}
            onChange={setStatus}
            maxLength={LONGEST_STATUS}
            error={statusWrong ? t("profile.status_wrong") : undefined}
          />
          <TextField
            label={t("profile.phone")}
            description={t("profile.phone_hint")}
            value={me.phone}
            onChange={() => undefined}
            type="tel"
            readOnly
          />
          {!nameWrong && !statusWrong && <ErrorText error={patch.error} />}
          <div className={styles.actions}>
            <Button
              variant="primary"
              type="submit"
              isDisabled={!changed || nameWrong}
              isPending={patch.isPending}
            >
              {t("save")}
            </Button>
          </div>
        </form>
      </Section>
    </>
  );
}
