import { describe, expect, it } from "vitest";
import type { StoryView } from "@/types/socket";
import {
  anyNew,
  arranged,
  firstUnseen,
  type StoryGroup,
  seenOf,
  timeLeft,
  withoutPerson,
  withoutStory,
  withSeen,
  withStory,
} from "./groups";

const HOUR = 3_600_000;
const at = (hours: number) => new Date(hours * HOUR).toISOString();

function aStory(id: string, userId: string, hour: number, seen = false): StoryView {
  return {
    id,
    user_id: userId,
    type: "text",
    content: { text: id },
    media_id: null,
    created_at: at(hour),
    expires_at: at(hour + 24),
    seen,
    audience: null,
  };
}

function aGroup(userId: string, ...stories: StoryView[]): StoryGroup {
  const unseen = stories.filter(({ seen }) => !seen).length;
  return { user_id: userId, name: userId, avatar_media_id: null, stories, unseen };
}

const BEN = { name: "Ben", avatarMediaId: null };

describe("the order of people", () => {
  const groups = [
    aGroup("old", aStory("a", "old", 1)),
    aGroup("seen", aStory("b", "seen", 9, true)),
    aGroup("me", aStory("c", "me", 3, true)),
    aGroup("new", aStory("d", "new", 2, true), aStory("e", "new", 5)),
  ];

  it("is new ones first, then the newest, oneself apart", () => {
    const { own, others } = arranged(groups, "me", 10 * HOUR);
    expect(own?.user_id).toBe("me");
    expect(others.map(({ user_id }) => user_id)).toEqual(["new", "old", "seen"]);
  });
  it("leaves out what is over by now, without waiting to be told", () => {
    const { others } = arranged(groups, "me", 26.5 * HOUR);
    expect(others.map(({ user_id, stories }) => [user_id, stories.length])).toEqual([
      ["new", 1],
      ["seen", 1],
    ]);
    expect(arranged(groups, "me", 100 * HOUR)).toEqual({ own: null, others: [] });
  });
  it("keeps what has not changed the same object", () => {
    expect(arranged(groups, "me", 10 * HOUR).others[0]).toBe(groups[3]);
  });
});

describe("what happens", () => {
  const groups = [aGroup("ben", aStory("a", "ben", 1, true), aStory("b", "ben", 2))];

  it("a story is told: once, in its place, as new", () => {
    const later = withStory(groups, aStory("c", "ben", 3), BEN);
    expect(later[0]?.stories.map(({ id }) => id)).toEqual(["a", "b", "c"]);
    expect(later[0]?.unseen).toBe(2);
    expect(withStory(later, aStory("c", "ben", 3), BEN)).toEqual(later);
  });
  it("the first of somebody's brings them", () => {
    const later = withStory(groups, aStory("x", "eve", 3), { name: "Eve", avatarMediaId: "m" });
    expect(later[1]).toMatchObject({ user_id: "eve", name: "Eve", avatar_media_id: "m", unseen: 1 });
  });
  it("a story is over", () => {
    expect(withoutStory(groups, "b")[0]).toMatchObject({ unseen: 0 });
    expect(withoutStory(withoutStory(groups, "b"), "a")).toEqual([]);
    expect(withoutStory(groups, "other")[0]).toBe(groups[0]);
  });
  it("a story is seen, and others stay as they were", () => {
    const more = [...groups, aGroup("eve", aStory("x", "eve", 1))];
    const later = withSeen(more, "b");
    expect(later[0]?.unseen).toBe(0);
    expect(later[1]).toBe(more[1]);
    expect(withSeen(later, "b")[0]).toBe(later[0]);
  });
  it("somebody is blocked", () => expect(withoutPerson(groups, "ben")).toEqual([]));
});

it("watching begins at the first new one, or again at the beginning", () => {
  expect(firstUnseen(aGroup("ben", aStory("a", "ben", 1, true), aStory("b", "ben", 2)))).toBe(1);
  expect(firstUnseen(aGroup("ben", aStory("a", "ben", 1, true)))).toBe(0);
});

it("tells how long it is there", () => {
  expect(timeLeft(at(24), 0)).toEqual({ unit: "hours", count: 24 });
  expect(timeLeft(at(1.99), 0)).toEqual({ unit: "hours", count: 1 });
  expect(timeLeft(at(0.5), 0)).toEqual({ unit: "minutes", count: 30 });
  expect(timeLeft(at(0), HOUR)).toEqual({ unit: "minutes", count: 1 });
});

it("a ring is made of what somebody tells at a time", () => {
  const groups: StoryGroup[] = [
    {
      user_id: "ann",
      name: "Ann",
      avatar_media_id: null,
      stories: [aStory("a", "ann", 1), aStory("b", "ann", 2, true), aStory("c", "ann", 3)],
      unseen: 2,
    },
    { user_id: "me", name: "Me", avatar_media_id: null, stories: [aStory("d", "me", 4)], unseen: 1 },
  ];
  expect(seenOf(groups, "ann", 3 * HOUR)).toEqual([false, true, false]);
  expect(seenOf(groups, "ann", 25 * HOUR + 1)).toEqual([true, false]);
  expect(seenOf(groups, "ben", 3 * HOUR)).toEqual([]);
  expect(anyNew(groups, "me", 3 * HOUR)).toBe(true);
  expect(anyNew(withSeen(withSeen(groups, "a"), "c"), "me", 3 * HOUR)).toBe(false);
});
