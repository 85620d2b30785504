import { useTranslation } from "react-i18next";
import type { Person } from "@/realtime/realtime";
import { StoryRing } from "@/stories/StoryRing";
import { Avatar } from "@/ui";
import styles from "./info.module.css";
import { lastSeen } from "./lastSeen";

/** Somebody's picture, name and when they were here, as far as they show it. */
export function PersonHead({ person }: { person: Person | undefined }) {
  const { t } = useTranslation("channels");
  const name = person?.deleted === true ? t("person.deleted") : (person?.name ?? "");
  const seen = person === undefined ? null : lastSeen(person);
  const avatar = <Avatar name={name} mediaId={person?.avatarMediaId} size={104} />;
  return (
    <div className={styles.hero}>
      {person === undefined || person.deleted ? (
        avatar
      ) : (
        <StoryRing userId={person.id} label={t("person.stories", { name })}>
          {avatar}
        </StoryRing>
      )}
      <h2 className={styles.name}>
        <bdi>{name}</bdi>
      </h2>
      <p className={styles.sub}>{seen !== null && t(`person.${seen.text}`, { when: seen.when })}</p>
    </div>
  );
}
