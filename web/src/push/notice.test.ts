import { describe, expect, it } from "vitest";
import { type KnownChat, noticeOf } from "./notice";
import { type PushPayload, readPayload } from "./payload";
import { noticeWords } from "./words";

const GROUP: KnownChat = { id: "c1", title: "Picnic", direct: false };
const DIRECT: KnownChat = { id: "c2", title: "Ben", direct: true };
const words = noticeWords("en");

function payload(changed: Partial<PushPayload> = {}): PushPayload {
  return { chatId: "c1", seq: 17, count: 3, from: null, kind: null, text: null, ...changed };
}

describe("a push", () => {
  it("says where to look", () => {
    expect(readPayload('{"type": "message", "chat_id": "c1", "seq": 17, "count": 3}')).toEqual(payload());
  });

  it("may say who wrote what", () => {
    const raw = { type: "message", chat_id: "c1", seq: 1, count: 1, from: "Ben", kind: "text", text: "Hi" };
    expect(readPayload(JSON.stringify(raw))).toMatchObject({ from: "Ben", kind: "text", text: "Hi" });
  });

  it.each([
    undefined,
    "",
    "hello",
    "null",
    "[]",
    '{"type": "other", "chat_id": "c1", "seq": 1}',
    '{"type": "message", "chat_id": 7, "seq": 1}',
    '{"type": "message", "chat_id": "c1", "seq": "1"}',
    `{"type": "message", "chat_id": "${"c".repeat(65)}", "seq": 1}`,
  ])("that is not one of a message is none: %s", (raw) => {
    expect(readPayload(raw)).toBeNull();
  });
});

describe("a notification", () => {
  it("says which chat and how many, when it does not know more", () => {
    expect(noticeOf(payload(), GROUP, true, words)).toEqual({
      title: "Picnic",
      body: "3 new messages",
      tag: "chat:c1",
      chatId: "c1",
      seq: 17,
    });
  });

  it("says who wrote what: in a group by name, in a direct chat the name is above it", () => {
    const said = payload({ from: "Ben", kind: "text", text: "See  you\nthere" });
    expect(noticeOf(said, GROUP, true, words).body).toBe("Ben: See you there");
    expect(noticeOf(said, DIRECT, true, words)).toMatchObject({ title: "Ben", body: "See you there" });
  });

  it("names what has no text", () => {
    expect(noticeOf(payload({ kind: "audio" }), DIRECT, true, words).body).toBe("Voice message");
    expect(noticeOf(payload({ kind: "hologram" }), DIRECT, true, words).body).toBe("3 new messages");
  });

  it("does not say what somebody wrote when that is not wanted", () => {
    const said = payload({ from: "Ben", kind: "text", text: "secret", count: 1 });
    const notice = noticeOf(said, GROUP, false, words);
    expect(notice.body).toBe("1 new message");
    expect(JSON.stringify(notice)).not.toContain("secret");
  });

  it("is about something new when nothing is known", () => {
    expect(noticeOf(null, null, true, words)).toMatchObject({
      title: "In one of your chats",
      body: "1 new message",
      chatId: null,
    });
    expect(noticeOf(payload(), null, true, words).title).toBe("In one of your chats");
    expect(noticeOf(payload({ from: "Ben" }), null, true, words).title).toBe("Ben");
  });

  it("is cut at whole letters", () => {
    const { body } = noticeOf(payload({ text: "👍".repeat(300) }), DIRECT, true, words);
    expect(Array.from(body)).toHaveLength(200);
    expect(body.endsWith("👍…")).toBe(true);
  });

  it("speaks the language of the device, with its plural forms", () => {
    const arabic = noticeWords("ar");
    expect(arabic.count(2)).toBe("رسالتان جديدتان");
    expect(arabic.count(3)).toContain("رسائل");
    expect(arabic.count(11)).toContain("رسالة جديدة");
  });
});
