import { X } from "lucide-react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import type { Person } from "@/realtime/realtime";
import { Avatar } from "@/ui";
import styles from "./Chips.module.css";

/** Who has been chosen; a press takes somebody back. */
export function Chips({
  people,
  onRemove,
}: {
  people: readonly Person[];
  onRemove: (person: Person) => void;
}) {
  const { t } = useTranslation("channels");
  return (
    <ul className={styles.chips} aria-label={t("people.chosen")}>
      {people.map((person) => (
        <li key={person.id}>
          <Button
            className={styles.chip ?? ""}
            aria-label={t("people.takeBack", { name: person.name })}
            onPress={() => onRemove(person)}
          >
            <Avatar name={person.name} mediaId={person.avatarMediaId} size={24} />
            <bdi>{person.name}</bdi>
            <X size={14} aria-hidden="true" />
          </Button>
        </li>
      ))}
    </ul>
  );
}
