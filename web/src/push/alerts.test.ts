import { describe, expect, it } from "vitest";
import type { Chat, DomainEvent } from "@/realtime/realtime";
import { aChat, aMessage, fakeRealtime } from "@/testing/realtime";
import type { MessageView } from "@/types/socket";
import { isMuted, toTellOf, unreadCount } from "./alerts";

const NOW = Date.parse("2026-01-02T12:00:00.000Z");

function told(message: Partial<MessageView> = {}, chat: Partial<Chat> = {}, missed = false) {
  const { state } = fakeRealtime({ chats: new Map([["c1", aChat(chat)]]) });
  const event: DomainEvent = {
    name: "MESSAGE_SENT",
    payload: { message: aMessage({ seq: 5, ...message }) },
    missed,
  };
  return toTellOf(event, state.getState(), NOW)?.seq ?? null;
}

describe("what an open page tells of", () => {
  it("is a message of somebody else's", () => expect(told()).toBe(5));
  it("is none of one's own", () => expect(told({ sender_id: "u1" })).toBeNull());
  it("is none that was caught up with", () => expect(told({}, {}, true)).toBeNull());
  it("is none of the server's", () => expect(told({ type: "system" })).toBeNull());
  it("is none that is deleted", () => expect(told({ deleted: true })).toBeNull());
  it("is none that was read elsewhere", () => expect(told({}, { read_seq: 5 })).toBeNull());
  it("is none of a chat that is not there", () => expect(told({ chat_id: "c9" })).toBeNull());
  it("is none in a muted chat", () => expect(told({}, { muted: true })).toBeNull());
  it("is one again when the mute is over", () => {
    expect(told({}, { muted: true, muted_until: "2026-01-02T11:59:59.000Z" })).toBe(5);
    expect(told({}, { muted: true, muted_until: "2026-01-02T12:00:01.000Z" })).toBeNull();
  });
});

it("a mute without an end does not end", () => {
  expect(isMuted({ muted: true, muted_until: null }, NOW)).toBe(true);
  expect(isMuted({ muted: false, muted_until: null }, NOW)).toBe(false);
});

it("the icon counts what is unread in chats that are not muted", () => {
  const chats = [
    aChat({ unread: 2 }),
    aChat({ id: "c2", unread: 40, muted: true }),
    aChat({ id: "c3", unread: 1 }),
  ];
  expect(unreadCount(chats, NOW)).toBe(3);
});
