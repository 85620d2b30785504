import { Megaphone, Users } from "lucide-react";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useLocation, useRoute } from "wouter";
import { useMe } from "@/store/hooks";
import { ErrorText, PaneHeader, Row } from "@/ui";
import { NewRoom } from "./NewRoom";
import { PeopleField } from "./PeopleField";
import styles from "./pane.module.css";
import { useOpenDirectChat } from "./useOpenDirectChat";

/** `/new`, `/new/group` and `/new/channel`: beginning to talk with somebody, or with several. */
export function NewChat() {
  const [, params] = useRoute("/new/:type");
  if (params?.type === "group" || params?.type === "channel")
    return <NewRoom key={params.type} type={params.type} />;
  return <NewDirect />;
}

function NewDirect() {
  const { t } = useTranslation("channels");
  const [, navigate] = useLocation();
  const { open, openingWith, error } = useOpenDirectChat();
  const me = useMe();
  const without = useMemo(() => new Set([me.id]), [me.id]);
  return (
    <div className={styles.pane}>
      <PaneHeader title={t("new.chat")} onBack={() => navigate("/")} />
      <PeopleField
        label={t("people.search")}
        without={without}
        pending={openingWith}
        onPick={(person) => open(person.id)}
      >
        <Row
          avatar={<Mark icon={Users} />}
          title={t("new.group")}
          subtitle={t("new.groupIs")}
          href="/new/group"
        />
        <Row
          avatar={<Mark icon={Megaphone} />}
          title={t("new.channel")}
          subtitle={t("new.channelIs")}
          href="/new/channel"
        />
        <ErrorText error={error} />
      </PeopleField>
    </div>
  );
}

function Mark({ icon: Icon }: { icon: typeof Users }) {
  return (
    <span className={styles.mark}>
      <Icon size={21} aria-hidden="true" />
    </span>
  );
}
