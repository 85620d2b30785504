import { describe, expect, it } from "vitest";
import { aChat, aMessage } from "@/testing/realtime";
import { COLORS, colorOf } from "./colors";
import { emojiOnly } from "./emoji";
import { shows } from "./filters";
import { lengthOf } from "./limits";
import { mayDelete, mayEdit, maySeeReceipts, maySend } from "./permissions";
import { previewOf } from "./preview";
import { progressOf } from "./ticks";

describe("ticks", () => {
  it("follow the slowest of the others", () => {
    const chat = aChat({ deliveredByAll: 5, readByAll: 3 });
    const at = (seq: number) => progressOf(aMessage({ seq }), chat);
    expect([at(3), at(4), at(5), at(6)]).toEqual(["read", "delivered", "delivered", "sent"]);
  });
});

describe("what is offered", () => {
  const own = aMessage({ sender_id: "u1" });
  const others = aMessage({ sender_id: "u2" });
  const chat = (type: "direct" | "group" | "channel", my_role: "owner" | "admin" | "member") =>
    aChat({ type, my_role });

  it("in a channel only owner and admins write", () => {
    expect(maySend(chat("channel", "member"))).toBe(false);
    expect(maySend(chat("channel", "admin"))).toBe(true);
    expect(maySend(chat("group", "member"))).toBe(true);
  });

  it("one edits one's own texts, nobody else's and nothing that is deleted or forwarded", () => {
    expect(mayEdit(chat("direct", "member"), own, "u1")).toBe(true);
    expect(mayEdit(chat("group", "owner"), others, "u1")).toBe(false);
    expect(mayEdit(chat("direct", "member"), { ...own, deleted: true }, "u1")).toBe(false);
    expect(mayEdit(chat("direct", "member"), { ...own, forwarded: true }, "u1")).toBe(false);
    expect(mayEdit(chat("direct", "member"), { ...own, type: "image" }, "u1")).toBe(false);
    expect(mayEdit(chat("channel", "member"), own, "u1")).toBe(false);
  });

  it("one deletes one's own, and those who rule a group everybody's", () => {
    expect(mayDelete(chat("direct", "member"), own, "u1")).toBe(true);
    expect(mayDelete(chat("direct", "member"), others, "u1")).toBe(false);
    expect(mayDelete(chat("group", "member"), others, "u1")).toBe(false);
    expect(mayDelete(chat("group", "admin"), others, "u1")).toBe(true);
    expect(mayDelete(chat("channel", "owner"), { ...others, deleted: true }, "u1")).toBe(false);
  });

  it("receipts are for the sender and those who rule", () => {
    expect(maySeeReceipts(chat("direct", "member"), own, "u1")).toBe(true);
    expect(maySeeReceipts(chat("direct", "member"), others, "u1")).toBe(false);
    expect(maySeeReceipts(chat("channel", "member"), own, "u1")).toBe(false);
    expect(maySeeReceipts(chat("channel", "admin"), others, "u1")).toBe(true);
  });
});

describe("preview", () => {
  it.each([
    [{ content: { text: "a *b*\n\n c" } }, { kind: "text", text: "a b c" }],
    [
      { type: "image", content: { width: 1, height: 1, caption: " " } },
      { kind: "image", text: null },
    ],
    [
      { type: "image", content: { width: 1, height: 1, caption: "Sea" } },
      { kind: "image", text: "Sea" },
    ],
    [
      { type: "document", content: { filename: "a.pdf", size: 1 } },
      { kind: "document", text: "a.pdf" },
    ],
    [
      { type: "location", content: { lat: 1, lng: 1 } },
      { kind: "location", text: null },
    ],
    [
      { type: "location", content: { lat: 1, lng: 1, live_until: "2026-01-01T00:00:00.000Z" } },
      { kind: "live-location", text: null },
    ],
    [
      { content: {}, deleted: true },
      { kind: "deleted", text: null },
    ],
    [{ content: {} }, { kind: "text", text: null }],
  ] as const)("of %j", (message, expected) => {
    expect(previewOf(aMessage(message as object))).toMatchObject(expected);
  });

  it("has the length of what is heard", () => {
    expect(previewOf(aMessage({ type: "audio", content: { duration_ms: 4_000 } })).durationMs).toBe(4_000);
  });
});

describe("emoji only", () => {
  it.each([
    ["🎉", 1],
    ["👍🏽 👨‍👩‍👧‍👦", 2],
    ["🇯🇵🇪🇬", 2],
    ["❤️", 1],
    ["1️⃣", 1],
    ["🎉🎉🎉🎉", 0],
    ["ok 🎉", 0],
    ["12", 0],
    ["©", 0],
    ["", 0],
  ])("%j: %i", (text, count) => {
    expect(emojiOnly(text)).toBe(count);
  });
});

describe("the limit of a text", () => {
  it("is counted in code points", () => {
    expect(lengthOf("😀".repeat(8_000))).toBe(8_000);
  });
});

describe("the list's filters", () => {
  const group = aChat({ id: "g", type: "group", title: "Tour", unread: 0 });

  it("finds names without regard to case and accents", () => {
    expect(shows(aChat(), "Zoë Ångström", "all", "zoe ang", null)).toBe(true);
    expect(shows(aChat(), "Zoë", "all", "zed", null)).toBe(false);
  });

  it("keeps the open chat among the unread ones", () => {
    expect(shows(group, "Tour", "unread", "", null)).toBe(false);
    expect(shows(group, "Tour", "unread", "", "g")).toBe(true);
    expect(shows({ ...group, unread: 2 }, "Tour", "unread", "", null)).toBe(true);
  });

  it("shows groups and channels apart", () => {
    expect(shows(aChat(), "Ben", "groups", "", null)).toBe(false);
    expect(shows(group, "Tour", "groups", "", null)).toBe(true);
  });
});

describe("colours of names", () => {
  it("are always the same for a person, and all in use", () => {
    expect(colorOf("u42")).toBe(colorOf("u42"));
    const used = new Set(Array.from({ length: 200 }, (_, n) => colorOf(`01H${n}XYZ`)));
    expect(used.size).toBe(COLORS);
  });
});
