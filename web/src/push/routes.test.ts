import { expect, it } from "vitest";
import { isQuestion } from "./messages";
import { shows } from "./page";
import { isPageOfApp } from "./routes";

it.each(["/", "/chats/c1", "/new/group", "/invite/a.b", "/settings/devices", "/apiary", "/documents"])(
  "%s opens the app",
  (path) => expect(isPageOfApp(path)).toBe(true),
);

it.each([
  "/api/v1/chats",
  "/socket/websocket",
  "/docs",
  "/docs/oauth2",
  "/openapi.json",
  "/asyncapi.json",
  "/client.json",
  "/admin",
  "/metrics",
  "/healthz",
  "/readyz",
  "/.well-known/jwks.json",
])("%s is the node's to answer", (path) => expect(isPageOfApp(path)).toBe(false));

it("a page shows a chat, or its info, or neither", () => {
  expect(shows("/chats/c1", "c1")).toBe(true);
  expect(shows("/chats/c%2F1/info", "c/1")).toBe(true);
  expect(shows("/chats/c2", "c1")).toBe(false);
  expect(shows("/stories/c1", "c1")).toBe(false);
  expect(shows("/chats/%", "%")).toBe(true);
});

it("a page goes only to paths of its own", () => {
  expect(isQuestion({ type: "OPEN", path: "/chats/c1" })).toBe(true);
  expect(isQuestion({ type: "OPEN", path: "//elsewhere.example/" })).toBe(false);
  expect(isQuestion({ type: "OPEN", path: "https://elsewhere.example/" })).toBe(false);
  expect(isQuestion("OPEN")).toBe(false);
});
