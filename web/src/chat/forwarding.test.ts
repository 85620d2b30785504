import { expect, test, vi } from "vitest";
import type { Attachment } from "@/realtime/realtime";
import type { MessageView } from "@/types/socket";
import { forwarded, isForwardable } from "./forwarding";

const message = (over: Partial<MessageView>): MessageView => ({
  id: "m",
  chat_id: "c1",
  seq: 1,
  client_id: "x",
  sender_id: "ann",
  type: "text",
  content: { text: "hi" },
  media_id: null,
  reply_to: 7,
  created_at: "2026-01-01T00:00:00Z",
  edited_at: null,
  deleted: false,
  rev: 1,
  ...over,
});
const photo = message({ type: "image", content: { width: 2, height: 1, caption: "hill" }, media_id: "m1" });
const file: Attachment = {
  blob: new Blob(["x"]),
  kind: "image",
  contentType: "image/png",
  filename: "a.png",
};

test.each([
  ["a text", message({}), true],
  ["a picture", photo, true],
  ["a place", message({ type: "location", content: { lat: 1, lng: 2 } }), true],
  [
    "where somebody is now",
    message({ type: "location", content: { lat: 1, lng: 2, live_until: "2026-01-01T01:00:00Z" } }),
    false,
  ],
  ["what is deleted", message({ deleted: true, content: {} }), false],
  ["a file that is gone", message({ type: "document", content: { filename: "a" } }), false],
  ["the server's own words", message({ type: "system" }), false],
])("%s: %s", (_, shown, may) => {
  expect(isForwardable(shown)).toBe(may);
});

test("what is passed on answers nothing, and a file of one's own is not uploaded again", async () => {
  const fetch = vi.fn(() => Promise.resolve(file));
  expect(await forwarded(message({}), "ben", fetch)).toEqual({
    type: "text",
    content: { text: "hi" },
    forwarded: true,
  });
  expect(await forwarded(photo, "ann", fetch)).toEqual({
    type: "image",
    content: photo.content,
    mediaId: "m1",
    forwarded: true,
  });
  expect(fetch).not.toHaveBeenCalled();
});

test("another's file is fetched, and goes as one's own", async () => {
  const draft = await forwarded(photo, "ben", () => Promise.resolve(file));
  expect(draft).toEqual({ type: "image", content: photo.content, attachment: file, forwarded: true });
  await expect(forwarded(photo, "ben", () => Promise.reject(new TypeError("no network")))).rejects.toThrow(
    "no network",
  );
});
