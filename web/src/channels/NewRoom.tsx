import { useMutation } from "@tanstack/react-query";
import { ArrowRight, Check } from "lucide-react";
import { type FormEvent, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { api, ok } from "@/api/client";
import { chatPath } from "@/app/place";
import type { Person } from "@/realtime/realtime";
import { useRealtime } from "@/store/context";
import { useMe } from "@/store/hooks";
import { Avatar, Button, ErrorText, fieldError, PaneHeader, TextField } from "@/ui";
import { PeopleField } from "./PeopleField";
import styles from "./pane.module.css";
import { MAX_TITLE, titleProblem } from "./title";

/** A new group or channel: who is in it, then what it is called. Both steps keep what was entered while one goes back and forth. */
export function NewRoom({ type }: { type: "group" | "channel" }) {
  const { t } = useTranslation("channels");
  const [, navigate] = useLocation();
  const [step, setStep] = useState<"people" | "title">("people");
  const [chosen, setChosen] = useState<readonly Person[]>([]);
  const [title, setTitle] = useState("");
  const me = useMe();
  const without = useMemo(() => new Set([me.id]), [me.id]);
  const heading = t(`new.${type}`);

  function toggle(person: Person): void {
    setChosen((people) =>
      people.some(({ id }) => id === person.id)
        ? people.filter(({ id }) => id !== person.id)
        : [...people, person],
    );
  }

  if (step === "title") {
    return (
      <TitleStep
        type={type}
        chosen={chosen}
        title={title}
        onTitle={setTitle}
        onBack={() => setStep("people")}
      />
    );
  }
  return (
    <div className={styles.pane}>
      <PaneHeader title={heading} onBack={() => navigate("/new")} />
      <p className={styles.lead}>{t(type === "group" ? "new.groupWho" : "new.channelWho")}</p>
      <PeopleField label={t("people.search")} chosen={chosen} without={without} onPick={toggle} />
      <footer className={styles.footer}>
        <span className={styles.count} role="status">
          {chosen.length > 0 ? t("people.count", { count: chosen.length }) : ""}
        </span>
        <Button
          variant={chosen.length > 0 ? "primary" : "quiet"}
          icon={<ArrowRight size={18} className={styles.onward} aria-hidden="true" />}
          onPress={() => setStep("title")}
        >
          {chosen.length > 0 ? t("new.next") : t("new.skip")}
        </Button>
      </footer>
    </div>
  );
}

function TitleStep(props: {
  type: "group" | "channel";
  chosen: readonly Person[];
  title: string;
  onTitle: (title: string) => void;
  onBack: () => void;
}) {
  const { type, chosen, title, onTitle, onBack } = props;
  const { t } = useTranslation("channels");
  const client = useRealtime();
  const [, navigate] = useLocation();
  const [tried, setTried] = useState(false);
  const create = useMutation({
    mutationFn: () =>
      ok(
        api.POST("/api/v1/chats", {
          body: { type, title: title.trim(), member_ids: chosen.map(({ id }) => id) },
        }),
      ),
    onSuccess: (chat) => {
      client.adopt(chat);
      navigate(chatPath(chat.id));
    },
  });
  const problem = titleProblem(title);
  const wrong = tried && problem !== null ? t(`title.${problem}`, { count: MAX_TITLE }) : undefined;
  const refused = fieldError(create.error, "title");

  function submit(event: FormEvent): void {
    event.preventDefault();
    setTried(true);
    if (problem === null && !create.isPending) create.mutate();
  }

  return (
    <div className={styles.pane}>
      <PaneHeader title={t(`new.${type}`)} onBack={onBack} />
      <form className={styles.form} onSubmit={submit} noValidate>
        <div className={styles.hero}>
          <Avatar name={title.trim() || t(`new.${type}`)} size={88} />
          <p className={styles.what}>{t(type === "group" ? "new.groupWhat" : "new.channelWhat")}</p>
        </div>
        <TextField
          label={t(type === "group" ? "title.ofGroup" : "title.ofChannel")}
          value={title}
          onChange={onTitle}
          error={wrong ?? refused}
          autoFocus
          autoComplete="off"
          enterKeyHint="done"
        />
        {refused === undefined && <ErrorText error={create.error} />}
        <p className={styles.members}>
          {chosen.length > 0 ? (
            <>
              {t("new.with")}{" "}
              {chosen.map(({ id, name }, index) => (
                <span key={id}>
                  {index > 0 && t("new.comma")}
                  <bdi>{name}</bdi>
                </span>
              ))}
            </>
          ) : (
            t(type === "group" ? "new.aloneGroup" : "new.aloneChannel")
          )}
        </p>
        <Button type="submit" variant="primary" wide icon={Check} isPending={create.isPending}>
          {t(type === "group" ? "new.createGroup" : "new.createChannel")}
        </Button>
      </form>
    </div>
  );
}
