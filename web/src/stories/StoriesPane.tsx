import { CircleDashed, Plus } from "lucide-react";
import { lazy, Suspense, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useMe, usePerson } from "@/store/hooks";
import { Avatar } from "@/ui/Avatar";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorText } from "@/ui/ErrorText";
import { formatRelative } from "@/ui/format";
import { IconButton } from "@/ui/IconButton";
import { PaneHeader } from "@/ui/PaneHeader";
import { Row } from "@/ui/Row";
import { SkeletonRows } from "@/ui/SkeletonRows";
import { arranged, type StoryGroup, timeLeft } from "./groups";
import { Ring } from "./Ring";
import styles from "./StoriesPane.module.css";
import { useStories } from "./useStories";

const StoryComposer = lazy(() => import("./StoryComposer"));

const LOOK_MS = 30_000;

/** One's own stories, and those of others: new ones first. */
export function StoriesPane() {
  const { t } = useTranslation("stories");
  const me = useMe();
  const now = useMinute();
  const { data, error, refetch } = useStories();
  const [composing, setComposing] = useState(false);
  const { own, others } = arranged(data ?? [], me.id, now);
  const fresh = others.filter(({ unseen }) => unseen > 0);
  const seen = others.filter(({ unseen }) => unseen === 0);

  return (
    <>
      <PaneHeader title={t("title")}>
        <IconButton label={t("add")} icon={Plus} onPress={() => setComposing(true)} />
      </PaneHeader>
      <div className={styles.pane}>
        <Own group={own} onAdd={() => setComposing(true)} />
        {error !== null && data === undefined && <ErrorText error={error} onRetry={() => void refetch()} />}
        {data === undefined && error === null && <SkeletonRows label={t("loading")} />}
        <People title={t("fresh")} groups={fresh} now={now} />
        <People title={t("seen.title")} groups={seen} now={now} />
        {data !== undefined && others.length === 0 && (
          <EmptyState icon={CircleDashed} title={t("empty.title")}>
            {t("empty.body")}
          </EmptyState>
        )}
      </div>
      {composing && (
        <Suspense>
          <StoryComposer onClose={() => setComposing(false)} />
        </Suspense>
      )}
    </>
  );
}

function Own({ group, onAdd }: { group: StoryGroup | null; onAdd: () => void }) {
  const { t } = useTranslation("stories");
  const me = useMe();
  const avatar = <Avatar name={me.name} mediaId={me.avatar_media_id} size={48} />;
  const last = group?.stories.at(-1);
  if (group === null || last === undefined)
    return (
      <Row
        avatar={
          <span className={styles.plus}>
            {avatar}
            <span className={styles.badge}>
              <Plus size={14} strokeWidth={3} aria-hidden="true" />
            </span>
          </span>
        }
        title={t("own")}
        subtitle={t("addFirst")}
        onPress={onAdd}
      />
    );
  return (
    <Row
      avatar={<Ring seen={group.stories.map(() => false)}>{avatar}</Ring>}
      title={t("own")}
      subtitle={`${t("count", { count: group.stories.length })} · ${formatRelative(last.created_at)}`}
      href={`/stories/${me.id}`}
    />
  );
}

function People({ title, groups, now }: { title: string; groups: readonly StoryGroup[]; now: number }) {
  if (groups.length === 0) return null;
  return (
    <section aria-label={title}>
      <h2 className={styles.heading}>{title}</h2>
      <ul>
        {groups.map((group) => (
          <li key={group.user_id}>
            <Teller group={group} now={now} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Teller({ group, now }: { group: StoryGroup; now: number }) {
  const { t } = useTranslation("stories");
  // What is known of somebody now, over what it was when the stories were asked for.
  const person = usePerson(group.user_id);
  const last = group.stories.at(-1);
  if (last === undefined) return null;
  const left = timeLeft(last.expires_at, now);
  const about =
    group.unseen > 0 ? t("new", { count: group.unseen }) : t("count", { count: group.stories.length });
  return (
    <Row
      avatar={
        <Ring seen={group.stories.map(({ seen }) => seen)}>
          <Avatar
            name={person?.name ?? group.name}
            mediaId={person?.avatarMediaId ?? group.avatar_media_id}
            size={48}
          />
        </Ring>
      }
      title={<bdi>{person?.name ?? group.name}</bdi>}
      subtitle={`${about} · ${formatRelative(last.created_at, now)}`}
      end={<span className={styles.left}>{t(`left.${left.unit}`, { count: left.count })}</span>}
      href={`/stories/${group.user_id}`}
    />
  );
}

function useMinute(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), LOOK_MS);
    return () => clearInterval(timer);
  }, []);
  return now;
}
