import { describe, expect, it } from "vitest";
import type { History, Outgoing } from "@/realtime/realtime";
import { aMessage, EMPTY_HISTORY } from "@/testing/realtime";
import { change, indexOfSeq, timeline } from "./timeline";

const at = (text: string) => new Date(`2026-03-0${text}`).toISOString();
const rows = (part: Partial<History>) => timeline({ ...EMPTY_HISTORY, ...part }, "u1");

function outgoing(clientId: string, createdAt: string): Outgoing {
  return {
    clientId,
    chatId: "c1",
    draft: { type: "text", content: { text: "hi" } },
    createdAt,
    status: "waiting",
    progress: 0,
    error: null,
  };
}

describe("timeline", () => {
  it("begins a day with the first message of each calendar day here", () => {
    const shown = rows({
      messages: [
        aMessage({ seq: 1, created_at: at("1T10:00") }),
        aMessage({ seq: 2, created_at: at("1T23:59") }),
        aMessage({ seq: 3, created_at: at("2T00:01") }),
      ],
    });
    expect(shown.map(({ day }) => day !== null)).toEqual([true, false, true]);
  });

  it("does not go back to an earlier day for what was written then and waits still", () => {
    const shown = rows({
      messages: [aMessage({ seq: 1, created_at: at("2T10:00") })],
      outgoing: [outgoing("x", at("1T10:00"))],
    });
    expect(shown.map(({ day }) => day !== null)).toEqual([true, false]);
  });

  it("has the same rows as before but for those that a change is about", () => {
    const messages = [1, 2, 3].map((seq) => aMessage({ seq, created_at: at("1T10:00") }));
    const before = rows({ messages });
    const edited = rows({
      messages: messages.with(1, aMessage({ seq: 2, rev: 9, created_at: at("1T10:00") })),
    });
    expect(edited.map((row, index) => row === before[index])).toEqual([true, false, true]);
    const grown = rows({ messages: [...messages, aMessage({ seq: 4, created_at: at("1T10:00") })] });
    expect(grown.map((row, index) => row === before[index])).toEqual([true, true, false, false]);
  });

  it("puts messages of one person within minutes together", () => {
    const shown = rows({
      messages: [
        aMessage({ seq: 1, created_at: at("1T10:00") }),
        aMessage({ seq: 2, created_at: at("1T10:04") }),
        aMessage({ seq: 3, created_at: at("1T10:30") }),
        aMessage({ seq: 4, sender_id: "u3", created_at: at("1T10:30") }),
      ],
    });
    expect(shown.map(({ first, last }) => [first, last])).toEqual([
      [true, false],
      [false, true],
      [true, true],
      [true, true],
    ]);
  });

  it("draws one unread line, over the first unread message of somebody else", () => {
    const messages = [
      aMessage({ seq: 4 }),
      aMessage({ seq: 5, sender_id: "u1" }),
      aMessage({ seq: 6, deleted: true }),
      aMessage({ seq: 7 }),
      aMessage({ seq: 8 }),
    ];
    const lines = (firstUnread: number | null) =>
      rows({ messages, firstUnread }).flatMap((row) =>
        row.unreadLine && row.kind === "message" ? [row.message.seq] : [],
      );
    expect(lines(5)).toEqual([7]);
    expect(lines(null)).toEqual([]);
    expect(lines(9)).toEqual([]);
  });

  it("keeps a row's key when an outgoing message has been sent", () => {
    const waiting = rows({ outgoing: [outgoing("x", at("1T10:00"))] });
    const sent = rows({ messages: [aMessage({ seq: 1, sender_id: "u1", client_id: "x" })] });
    expect(waiting[0]?.key).toBe(sent[0]?.key);
  });

  it("finds a message by its seq, also where some are missing", () => {
    const shown = rows({
      messages: [3, 4, 6, 9].map((seq) => aMessage({ seq })),
      outgoing: [outgoing("x", at("1T10:00"))],
    });
    expect([3, 4, 6, 9].map((seq) => indexOfSeq(shown, seq))).toEqual([0, 1, 2, 3]);
    expect([1, 5, 10].map((seq) => indexOfSeq(shown, seq))).toEqual([-1, -1, -1]);
  });
});

describe("what changed", () => {
  const of = (...seqs: number[]) => rows({ messages: seqs.map((seq) => aMessage({ seq })) });

  it.each([
    [of(1, 2), of(1, 2), { kind: "same" }],
    [of(3, 4), of(1, 2, 3, 4), { kind: "grown", before: 2, after: 0 }],
    [of(3, 4), of(3, 4, 5), { kind: "grown", before: 0, after: 1 }],
    [of(3, 4), of(2, 3, 4, 5), { kind: "grown", before: 1, after: 1 }],
    [of(3, 4), of(8, 9), { kind: "replaced" }],
    [of(3, 4, 5, 6), of(1, 2, 3), { kind: "replaced" }],
    [of(3, 4), of(3), { kind: "grown", before: 0, after: -1 }],
    [of(), of(8, 9), { kind: "replaced" }],
    [of(), of(), { kind: "same" }],
  ])("case %#", (old, now, expected) => {
    expect(change(old, now)).toEqual(expected);
  });
});
