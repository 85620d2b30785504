// @vitest-environment node
/** When the interface sees what: `frames` come when a test says so. */
import { beforeEach, expect, test } from "vitest";
import { HeldFrames } from "@/testing/frames";
import { aChatView, aMessage } from "@/testing/realtime";
import { Board } from "./board";
import type { Change } from "./changes";
import { recordOf, withMessage } from "./chats/record";
import type { DomainEvent } from "./realtime";
import { Screen } from "./screen";

let frames: HeldFrames;
let board: Board;
let screen: Screen;
let rendered: number;

beforeEach(() => {
  frames = new HeldFrames();
  board = new Board();
  screen = new Screen(frames, board.state);
  board.listen((changes, shared) => screen.changed(changes, shared));
  rendered = 0;
  screen.state.subscribe(() => {
    rendered += 1;
  });
  for (const id of ["c1", "c2"]) board.publish({ kind: "chats", chats: [recordOf(aChatView({ id }))] });
  frames.pass();
  frames.pass();
  rendered = 0;
});

/** A message comes, as a connection brings it. */
function comes(chatId: string, seq: number): void {
  const message = aMessage({ chat_id: chatId, seq });
  const record = board.state.chats.get(chatId) ?? recordOf(aChatView({ id: chatId }));
  const event: DomainEvent = { name: "MESSAGE_SENT", payload: { message }, missed: false };
  board.publish({ kind: "chats", chats: [withMessage(record, message, "u1")] }, { kind: "event", event });
}

const lastSeq = (chatId: string) => screen.state.getState().chats.get(chatId)?.last_seq;

test("what comes after a quiet moment is there at once", () => {
  comes("c1", 1);
  expect([rendered, lastSeq("c1")]).toEqual([1, 1]);
});

test("however many come before the next frame, they are shown once, all of them, in the order of the last", () => {
  for (let seq = 1; seq <= 50; seq += 1) comes(seq % 2 === 0 ? "c1" : "c2", Math.ceil(seq / 2));
  expect([rendered, lastSeq("c2"), lastSeq("c1")]).toEqual([1, 1, 0]);
  frames.pass();
  expect([rendered, lastSeq("c2"), lastSeq("c1")]).toEqual([2, 25, 25]);
  expect(screen.state.getState().chats.get("c1")?.unread).toBe(25);
});

test("frames are asked for one at a time, and no more once there is quiet", () => {
  comes("c1", 1);
  comes("c1", 2);
  comes("c1", 3);
  expect(frames.asked).toBe(1);
  frames.pass();
  expect(frames.asked).toBe(1);
  frames.pass();
  expect([frames.asked, rendered]).toEqual([0, 2]);
  comes("c1", 4);
  expect(lastSeq("c1")).toBe(4);
});

test("what happened is told in its order, once, when the state has it", () => {
  const told: [number, number | undefined][] = [];
  screen.subscribe((event) => {
    if (event.name === "MESSAGE_SENT") told.push([event.payload.message.seq, lastSeq("c1")]);
  });
  for (let seq = 1; seq <= 4; seq += 1) comes("c1", seq);
  expect(told).toEqual([[1, 1]]);
  frames.pass();
  frames.pass();
  expect(told).toEqual([
    [1, 1],
    [2, 4],
    [3, 4],
    [4, 4],
  ]);
});

test("what a listener brings about waits for the next frame", () => {
  screen.subscribe((event) => {
    if (event.name === "MESSAGE_SENT" && event.payload.message.seq === 1) comes("c1", 2);
  });
  comes("c1", 1);
  expect(lastSeq("c1")).toBe(1);
  frames.pass();
  expect(lastSeq("c1")).toBe(2);
});

test("what somebody does is shown without a frame, with all that came before it, and that only once", () => {
  comes("c1", 1);
  comes("c1", 2);
  screen.show();
  expect([rendered, lastSeq("c1"), frames.asked]).toEqual([2, 2, 1]);
  frames.pass();
  screen.show();
  expect(rendered).toBe(2);
});

const history = {
  messages: [],
  outgoing: [],
  hasOlder: false,
  hasNewer: false,
  loading: true,
  firstUnread: null,
};

test("a history that is awaited is shown at once; one that grows by itself with the next frame, as it is then", () => {
  comes("c1", 1);
  screen.history("c1", history, false);
  screen.history("c1", { ...history, loading: false }, false);
  expect(screen.state.getState().histories.size).toBe(0);
  frames.pass();
  expect(screen.state.getState().histories.get("c1")?.loading).toBe(false);
  screen.history("c1", null, true);
  expect(screen.state.getState().histories.size).toBe(0);
});

test("what one is writing renders nothing", () => {
  const change: Change = { kind: "draft", chatId: "c1", text: "hel" };
  board.publish(change);
  expect([rendered, frames.asked]).toEqual([0, 0]);
});

test("another state altogether, as another tab tells it, is shown whole, with what comes behind it", () => {
  comes("c1", 1);
  const other = new Board();
  other.publish({ kind: "chats", chats: [recordOf(aChatView({ id: "c3" }))] });
  board.replace(other.state);
  comes("c3", 1);
  frames.pass();
  expect([...screen.state.getState().chats.keys()]).toEqual(["c3"]);
  expect(screen.state.getState().chatOrder).toEqual(["c3"]);
  expect(lastSeq("c3")).toBe(1);
});

test("what a tab becomes is shown at once, and with it what was known", () => {
  comes("c1", 1);
  comes("c1", 2);
  screen.become({ opened: true });
  expect([screen.state.getState().opened, lastSeq("c1")]).toEqual([true, 2]);
});
