import { useTranslation } from "react-i18next";
import type { Person } from "@/realtime/realtime";
import { StoryRing } from "@/stories/StoryRing";
import { Avatar, formatRelative, isNow } from "@/ui";
import styles from "./info.module.css";

/** Somebody's picture, name and when they were here, as far as they show it. */
export function PersonHead({ person }: { person: Person | undefined }) {
  const { t } = useTranslation("channels");
  const name = person?.deleted === true ? t("person.deleted") : (person?.name ?? "");
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
      <p className={styles.sub}>{seen()}</p>
    </div>
  );

  function seen(): string {
    if (person === undefined || person.deleted) return "";
    if (person.online) return t("person.online");
    if (person.lastSeen === null) return "";
    if (isNow(person.lastSeen)) return t("person.lastSeenNow");
    return t("person.lastSeen", { time: formatRelative(person.lastSeen) });
  }
}
