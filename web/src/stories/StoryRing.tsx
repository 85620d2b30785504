import { type ReactNode, useCallback } from "react";
import type { StoryGroup } from "./groups";
import { Ring } from "./Ring";
import { useStories } from "./useStories";

/** Around somebody's picture: that they have stories, and how many of them are new. */
export function StoryRing({ userId, children }: { userId: string; children: ReactNode }) {
  const select = useCallback(
    (groups: StoryGroup[]) => {
      const now = Date.now();
      const group = groups.find(({ user_id }) => user_id === userId);
      return (group?.stories ?? [])
        .filter((story) => Date.parse(story.expires_at) > now)
        .map(({ seen }) => seen);
    },
    [userId],
  );
  const { data } = useStories(select);
  return data === undefined || data.length === 0 ? children : <Ring seen={data}>{children}</Ring>;
}
