import { useMutation, useQueryClient } from "@tanstack/react-query";
import { CircleDashed } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { Dialog as AriaDialog } from "react-aria-components/Dialog";
import { Modal, ModalOverlay } from "react-aria-components/Modal";
import { useTranslation } from "react-i18next";
import { api, ok } from "@/api/client";
import { useMe } from "@/store/hooks";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorText } from "@/ui/ErrorText";
import { Spinner } from "@/ui/Spinner";
import { arranged, firstUnseen, type StoryGroup, withSeen } from "./groups";
import { STORIES } from "./news";
import { StoryStage } from "./StoryStage";
import styles from "./StoryViewer.module.css";
import { type Place, step } from "./timing";
import { useStories } from "./useStories";

/** Somebody's stories over the whole page, one after another, then those of the next. */
export function StoryViewer({ userId, onClose }: { userId: string; onClose: () => void }) {
  const { t } = useTranslation("stories");
  return (
    <ModalOverlay isOpen className={styles.overlay ?? ""} onOpenChange={(open) => !open && onClose()}>
      <Modal className={styles.modal ?? ""}>
        <AriaDialog className={styles.dialog ?? ""} aria-label={t("viewer.label")}>
          <Watching key={userId} userId={userId} onClose={onClose} />
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

function Watching({ userId, onClose }: { userId: string; onClose: () => void }) {
  const { t } = useTranslation("stories");
  const me = useMe();
  const { data, error, refetch } = useStories();
  // The order is that of the beginning: what has been watched would move to the end otherwise.
  const order = useRef<string[] | null>(null);
  const [place, setPlace] = useState<Place | null>(null);

  if (data !== undefined && order.current === null) order.current = orderFrom(data, me.id, userId);
  const groups = (order.current ?? []).map((id) => alive(data, id));
  const counts = groups.map((group) => group?.stories.length ?? 0);
  const person = place?.person ?? (order.current ?? []).indexOf(userId);
  const group = groups[person];
  const index = place?.story ?? (group === undefined ? 0 : firstUnseen(group));
  // One that has ended while it was watched is followed by the next.
  const story = group?.stories[Math.min(index, group.stories.length - 1)];
  useSeen(story?.id, story === undefined || story.seen || story.user_id === me.id);

  // So that the first new one stays the first, when it is not new any more.
  useEffect(() => {
    if (place === null && group !== undefined) setPlace({ person, story: firstUnseen(group) });
  }, [place, group, person]);

  const go = (by: -1 | 1) => {
    const next = step(counts, { person, story: index }, by);
    if (next === null) onClose();
    else setPlace(next);
  };
  const gone = place !== null && story === undefined;
  const after = gone ? step(counts, { person, story: index }, 1) : null;
  useEffect(() => {
    if (!gone) return;
    if (after === null) onClose();
    else setPlace(after);
  });

  if (error !== null && data === undefined)
    return (
      <div className={styles.message}>
        <ErrorText error={error} onRetry={() => void refetch()} />
      </div>
    );
  if (data === undefined) return <Spinner center label={t("loading")} />;
  if (group === undefined || story === undefined)
    return (
      <div className={styles.message}>
        <EmptyState icon={CircleDashed} title={t("viewer.none")} />
      </div>
    );
  return (
    <StoryStage
      key={story.id}
      group={group}
      story={story}
      own={group.user_id === me.id}
      upcoming={upcoming(groups, counts, { person, story: index })}
      onGo={go}
      onClose={onClose}
    />
  );
}

/** What is shown next, to be loaded before. */
function upcoming(groups: readonly (StoryGroup | undefined)[], counts: readonly number[], place: Place) {
  const next = step(counts, place, 1);
  return next === null ? null : (groups[next.person]?.stories[next.story] ?? null);
}

function alive(groups: readonly StoryGroup[] | undefined, userId: string): StoryGroup | undefined {
  const group = groups?.find(({ user_id }) => user_id === userId);
  if (group === undefined) return undefined;
  const now = Date.now();
  const stories = group.stories.filter(({ expires_at }) => Date.parse(expires_at) > now);
  return stories.length === 0 ? undefined : { ...group, stories };
}

/** One's own stories alone; others' as the list has them. */
function orderFrom(groups: readonly StoryGroup[], me: string, userId: string): string[] {
  if (userId === me) return [me];
  const ids = arranged(groups, me, Date.now()).others.map(({ user_id }) => user_id);
  return ids.includes(userId) ? ids : [userId];
}

/** Tells the server, and the rings at once, that a story has been seen. */
function useSeen(storyId: string | undefined, known: boolean): void {
  const queries = useQueryClient();
  const { mutate } = useMutation({
    mutationFn: (id: string) =>
      ok(api.PUT("/api/v1/stories/{story_id}/view", { params: { path: { story_id: id } } })),
    onMutate: (id) =>
      void queries.setQueryData<StoryGroup[]>(STORIES, (groups) => groups && withSeen(groups, id)),
    retry: 3,
  });
  useEffect(() => {
    if (storyId !== undefined && !known) mutate(storyId);
  }, [storyId, known, mutate]);
}
