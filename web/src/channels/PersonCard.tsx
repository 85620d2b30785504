import { MessageCircle } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useMe, usePerson } from "@/store/hooks";
import { Button, ErrorText } from "@/ui";
import styles from "./info.module.css";
import { PersonHead } from "./PersonHead";
import { useOpenDirectChat } from "./useOpenDirectChat";

/** Somebody at a glance, for a popover or dialog: who they are, and writing to them. */
export function PersonCard({ userId }: { userId: string }) {
  const { t } = useTranslation("channels");
  const me = useMe();
  const person = usePerson(userId);
  const { open, openingWith, error } = useOpenDirectChat();
  return (
    <div className={styles.personCard}>
      <PersonHead person={person} />
      {person?.status !== undefined && person.status !== "" && (
        <p className={styles.about} dir="auto">
          {person.status}
        </p>
      )}
      <ErrorText error={error} />
      {userId !== me.id && person?.deleted !== true && (
        <Button
          variant="primary"
          icon={MessageCircle}
          isPending={openingWith !== null}
          onPress={() => open(userId)}
        >
          {t("person.message")}
        </Button>
      )}
    </div>
  );
}
