/** Stories by person, and what becomes of them as things happen. Pure: the query cache holds them, `news.ts` feeds it. */
import type { components } from "@/types/openapi";
import type { StoryView } from "@/types/socket";

export type StoryGroup = components["schemas"]["StoryGroup"];

const newest = (group: StoryGroup): string => group.stories.at(-1)?.created_at ?? "";

const counted = (group: StoryGroup, stories: StoryView[]): StoryGroup => ({
  ...group,
  stories,
  unseen: stories.filter((story) => !story.seen).length,
});

export interface Arranged {
  own: StoryGroup | null;
  /** Those with something not seen yet first, then by the newest story. */
  others: StoryGroup[];
}

/** As they are shown at a time: what has expired by then is left out. */
export function arranged(groups: readonly StoryGroup[], me: string, now: number): Arranged {
  const current = groups.flatMap((group) => {
    const stories = group.stories.filter((story) => Date.parse(story.expires_at) > now);
    return stories.length === 0
      ? []
      : [stories.length === group.stories.length ? group : counted(group, stories)];
  });
  const others = current
    .filter(({ user_id }) => user_id !== me)
    .sort(
      (one, other) =>
        Number(one.unseen === 0) - Number(other.unseen === 0) || newest(other).localeCompare(newest(one)),
    );
  return { own: current.find(({ user_id }) => user_id === me) ?? null, others };
}

/** Of each story that somebody tells at a time, whether it has been seen; the oldest first. */
export function seenOf(groups: readonly StoryGroup[], userId: string, now: number): boolean[] {
  const group = groups.find(({ user_id }) => user_id === userId);
  return (group?.stories ?? [])
    .filter(({ expires_at }) => Date.parse(expires_at) > now)
    .map(({ seen }) => seen);
}

/** Whether anybody else tells something, at a time, that has not been seen. */
export const anyNew = (groups: readonly StoryGroup[], me: string, now: number): boolean =>
  groups.some(({ user_id }) => user_id !== me && seenOf(groups, user_id, now).includes(false));

/** A story has been told. `person`: whose it is, for the first of theirs. */
export function withStory(
  groups: readonly StoryGroup[],
  story: StoryView,
  person: { name: string; avatarMediaId: string | null },
): StoryGroup[] {
  const there = groups.find(({ user_id }) => user_id === story.user_id);
  if (there === undefined) {
    const group = { user_id: story.user_id, name: person.name, avatar_media_id: person.avatarMediaId };
    return [...groups, counted({ ...group, stories: [], unseen: 0 }, [story])];
  }
  if (there.stories.some(({ id }) => id === story.id)) return [...groups];
  const stories = [...there.stories, story].sort((one, other) =>
    one.created_at.localeCompare(other.created_at),
  );
  return groups.map((group) => (group === there ? counted(group, stories) : group));
}

/** A story is over; with the last of somebody's, they are gone too. */
export function withoutStory(groups: readonly StoryGroup[], storyId: string): StoryGroup[] {
  return groups.flatMap((group) => {
    const stories = group.stories.filter(({ id }) => id !== storyId);
    if (stories.length === group.stories.length) return [group];
    return stories.length === 0 ? [] : [counted(group, stories)];
  });
}

/** Somebody's stories are none of one's business any more. */
export const withoutPerson = (groups: readonly StoryGroup[], userId: string): StoryGroup[] =>
  groups.filter(({ user_id }) => user_id !== userId);

export function withSeen(groups: readonly StoryGroup[], storyId: string): StoryGroup[] {
  return groups.map((group) => {
    if (!group.stories.some(({ id, seen }) => id === storyId && !seen)) return group;
    return counted(
      group,
      group.stories.map((story) => (story.id === storyId ? { ...story, seen: true } : story)),
    );
  });
}

/** Where watching begins: at the first that is new, or again from the beginning. */
export function firstUnseen(group: StoryGroup): number {
  return Math.max(
    0,
    group.stories.findIndex(({ seen }) => !seen),
  );
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** How long a story is there yet, in hours, or in minutes when it is less than one. */
export function timeLeft(expiresAt: string, now: number): { unit: "hours" | "minutes"; count: number } {
  const left = Math.max(0, Date.parse(expiresAt) - now);
  return left >= HOUR_MS
    ? { unit: "hours", count: Math.floor(left / HOUR_MS) }
    : { unit: "minutes", count: Math.max(1, Math.ceil(left / MINUTE_MS)) };
}
