import { expect, test } from "vitest";
import { watchedNoMore, watchedOver, watchingOver } from "./watching";

test("stories are watched over a page, whose address is the same again afterwards", () => {
  const over = new URL(
    watchingOver({ pathname: "/chats/c1/info", search: "?next=%2F" }, "ann & ben"),
    "http://here",
  );
  expect(over.pathname).toBe("/chats/c1/info");
  expect(watchedOver(over.search)).toBe("ann & ben");
  expect(watchedNoMore(over)).toBe("/chats/c1/info?next=%2F");
  expect(watchedNoMore({ pathname: "/", search: "?story=ann" })).toBe("/");
  expect(watchedOver("")).toBeNull();
});
