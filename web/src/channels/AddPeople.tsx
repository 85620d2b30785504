import { useMutation, useQueryClient } from "@tanstack/react-query";
import { UserPlus } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "@/api/client";
import type { Chat, Person } from "@/realtime/realtime";
import { Button, ErrorText, toast } from "@/ui";
import { putMember } from "./chatCalls";
import { membersKey, useMembers } from "./members";
import { PeopleField } from "./PeopleField";
import styles from "./pane.module.css";

/** Adds people to a group or channel: one call each, of which some may be refused. */
export function AddPeople({ chat, onDone }: { chat: Chat; onDone: () => void }) {
  const { t } = useTranslation("channels");
  const queries = useQueryClient();
  const { data } = useMembers(chat.id);
  const without = useMemo(
    () => new Set(data?.pages.flatMap(({ items }) => items.map(({ user_id: id }) => id))),
    [data],
  );
  const [chosen, setChosen] = useState<readonly Person[]>([]);
  const add = useMutation({
    mutationFn: async (people: readonly Person[]) => {
      for (const [index, person] of people.entries()) {
        try {
          await putMember(chat.id, person.id, "member");
        } catch (error) {
          // Who is in already stays out of the next try.
          setChosen(people.slice(index));
          throw new Refused(person, error);
        }
      }
    },
    onSuccess: (_, people) => {
      toast(t("members.added", { count: people.length }));
      onDone();
    },
    onSettled: () => queries.invalidateQueries({ queryKey: membersKey(chat.id) }),
  });

  return (
    <>
      <PeopleField
        label={t("people.search")}
        chosen={chosen}
        without={without}
        onPick={(person) =>
          setChosen((people) =>
            people.some(({ id }) => id === person.id)
              ? people.filter(({ id }) => id !== person.id)
              : [...people, person],
          )
        }
      >
        {null}
      </PeopleField>
      <footer className={styles.footer}>
        <Problem error={add.error} />
        <Button
          variant="primary"
          icon={UserPlus}
          isDisabled={chosen.length === 0}
          isPending={add.isPending}
          onPress={() => add.mutate(chosen)}
        >
          {t("members.addCount", { count: chosen.length })}
        </Button>
      </footer>
    </>
  );
}

class Refused extends Error {
  constructor(
    readonly person: Person,
    override readonly cause: unknown,
  ) {
    super();
  }
}

function Problem({ error }: { error: Error | null }) {
  const { t } = useTranslation("channels");
  if (!(error instanceof Refused)) return <span />;
  const { cause, person } = error;
  if (cause instanceof ApiError && cause.status === 403)
    return (
      <p className={styles.problem} role="alert">
        {t("members.refuses", { name: person.name })}
      </p>
    );
  if (cause instanceof ApiError && cause.status === 409)
    return (
      <p className={styles.problem} role="alert">
        {t("members.full")}
      </p>
    );
  return <ErrorText error={cause} />;
}
