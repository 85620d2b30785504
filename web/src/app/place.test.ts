import { describe, expect, test } from "vitest";
import { placeAfter, placeOf } from "./place";

describe("an address", () => {
  test.each([
    ["/", { at: "chats" }],
    ["/chats/c1", { at: "chat", chatId: "c1", info: false }],
    ["/chats/c1/info", { at: "chat", chatId: "c1", info: "main" }],
    ["/chats/c1/info/media", { at: "chat", chatId: "c1", info: "media" }],
    ["/chats/a%2Fb", { at: "chat", chatId: "a/b", info: false }],
    ["/new", { at: "new" }],
    ["/new/group", { at: "new" }],
    ["/new/channel", { at: "new" }],
    ["/stories", { at: "stories", userId: null }],
    ["/stories/u1", { at: "stories", userId: "u1" }],
    ["/settings", { at: "settings", page: null }],
    ["/settings/devices", { at: "settings", page: "devices" }],
    ["/invite/token", { at: "invite", token: "token" }],
    ["/signin", { at: "sign-in" }],
    ["/signup", { at: "sign-up" }],
  ])("%s has its place", (path, place) => {
    expect(placeOf(path)).toEqual(place);
  });

  test.each([
    "/chats",
    "/chats/c1/info/more",
    "/chats/c1/info/media/more",
    "/chats/c1/media",
    "/chats/c1/else",
    "/new/other",
    "/invite",
    "/signin/x",
    "/x",
    "/chats/%E0%A4%A",
  ])("%s is nowhere", (path) => {
    expect(placeOf(path)).toEqual({ at: "nowhere" });
  });
});

describe("after signing in", () => {
  test("one is where one was", () => {
    expect(placeAfter("/chats/c1")).toBe("/chats/c1");
    expect(placeAfter("/invite/t?x=1")).toBe("/invite/t?x=1");
  });

  test.each([
    null,
    "",
    "https://evil.example",
    "//evil.example",
    "/\\evil.example",
    "javascript:alert(1)",
    "/signin",
    "/signup?next=/",
    "/nowhere",
  ])("%s leads home", (next) => {
    expect(placeAfter(next)).toBe("/");
  });
});
