/** Keeps the stories that are in the query cache as they are now. */
import type { QueryClient } from "@tanstack/react-query";
import type { DomainEvent, RealtimeClient } from "@/realtime/realtime";
import { type StoryGroup, withoutPerson, withoutStory, withStory } from "./groups";

export const STORIES = ["stories"] as const;
export const viewersKey = (storyId: string) => ["story-viewers", storyId] as const;

interface Listening {
  count: number;
  stop: () => void;
}

const listening = new WeakMap<RealtimeClient, Listening>();

/** However many ask, it listens once. Returns what ends it for whoever has asked. */
export function listen(client: RealtimeClient, queries: QueryClient): () => void {
  const there = listening.get(client) ?? { count: 0, stop: begin(client, queries) };
  there.count += 1;
  listening.set(client, there);
  return () => {
    there.count -= 1;
    if (there.count > 0) return;
    there.stop();
    listening.delete(client);
  };
}

function begin(client: RealtimeClient, queries: QueryClient): () => void {
  const unsubscribe = client.subscribe((event) => heard(event, client, queries));
  // What happened while there was no connection nobody tells: ask again.
  const unwatch = client.state.subscribe(({ connection }, before) => {
    if (connection.status === "online" && before.connection.status !== "online")
      void queries.invalidateQueries({ queryKey: STORIES });
  });
  return () => {
    unsubscribe();
    unwatch();
  };
}

function heard(event: DomainEvent, client: RealtimeClient, queries: QueryClient): void {
  const change = (next: (groups: readonly StoryGroup[]) => StoryGroup[]) =>
    queries.setQueryData<StoryGroup[]>(STORIES, (groups) => groups && next(groups));
  switch (event.name) {
    case "STORY_CREATED": {
      const { story } = event.payload;
      const { people, me } = client.state.getState();
      const person =
        story.user_id === me?.id
          ? { name: me.name, avatarMediaId: me.avatar_media_id ?? null }
          : people.get(story.user_id);
      if (person === undefined) void queries.invalidateQueries({ queryKey: STORIES });
      else change((groups) => withStory(groups, story, person));
      return;
    }
    case "STORY_EXPIRED":
      change((groups) => withoutStory(groups, event.payload.story_id));
      return;
    case "STORY_VIEWED":
      void queries.invalidateQueries({ queryKey: viewersKey(event.payload.story_id) });
      return;
    case "BLOCK_CHANGED":
      if (event.payload.blocked) change((groups) => withoutPerson(groups, event.payload.user_id));
      else void queries.invalidateQueries({ queryKey: STORIES });
  }
}
