/** Where a conversation is scrolled to: it opens at the unread line or the end, stays at the end when it is there, and asks for more near its edges. */
import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { VirtualizerHandle } from "virtua";
import type { ChatId, History } from "@/realtime/realtime";
import { useRealtime } from "@/store/context";
import { change, indexOfSeq, seqOf, type TimelineRow } from "./timeline";

/** So near (in px) to an edge, the next page is asked for. */
const NEAR_EDGE = 900;
/** So near to the end, one is at it. */
const AT_END = 60;
/** What stays visible of the messages before the unread line. */
const ABOVE_UNREAD = 90;
/** Height of a separator with some room. */
const SEPARATOR = 44;
const DAY_STAYS_MS = 1_400;
/** A place that was gone to is held until nothing around it has been measured anew for so long, or somebody scrolls. */
const SETTLES_MS = 1_000;
/** Whatever goes on around it, a place is held no longer than this. */
const GIVES_UP_MS = 8_000;
/** Less than this (in px) nobody sees; the browser rounds. */
const NEAR = 2;
/** By what somebody scrolls. */
const HANDS = ["wheel", "touchmove", "pointerdown", "keydown"] as const;

/** Where one goes: to a message by its `seq`, to the unread line, to the end. */
type Target = number | "unread" | "end";

export interface Viewport {
  scroller: RefObject<HTMLDivElement | null>;
  virtualizer: RefObject<VirtualizerHandle | null>;
  /** Another one is another stretch of history: nothing of the old measurements is of use. */
  generation: number;
  /** Rows were added at the start: what is on the screen stays where it is. */
  shift: boolean;
  atEnd: boolean;
  /** The day of the first row on the screen, while one scrolls and no separator tells it. */
  day: string | null;
  onScroll: () => void;
  onResize: () => void;
  toEnd: () => void;
  /** @returns whether there is such a row. */
  toSeq: (seq: number) => boolean;
}

export function useViewport(chatId: ChatId, history: History, rows: readonly TimelineRow[]): Viewport {
  const client = useRealtime();
  const scroller = useRef<HTMLDivElement>(null);
  const virtualizer = useRef<VirtualizerHandle>(null);
  const following = useRef(false);
  const wanted = useRef<number | null>(null);
  /** Where one is on the way to: rows that are measured on the way move everything, and nothing of that is somebody's scrolling. */
  const heading = useRef<{ target: Target; frame: number } | null>(null);
  const [atEnd, setAtEnd] = useState(true);
  const [day, setDay] = useState<string | null>(null);
  const dayTimer = useRef<number | undefined>(undefined);

  const [shown, setShown] = useState({ rows, generation: 0, shift: false, ownSent: false });
  if (shown.rows !== rows) {
    const changed = change(shown.rows, rows);
    setShown({
      rows,
      generation: shown.generation + (changed.kind === "replaced" ? 1 : 0),
      shift: changed.kind === "grown" && changed.before > 0,
      ownSent: changed.kind === "grown" && writtenNow(shown.rows, rows),
    });
  }

  const hasNewer = useRef(history.hasNewer);
  hasNewer.current = history.hasNewer;
  const follow = useCallback(() => {
    const list = virtualizer.current;
    if (list === null) return;
    const ended = list.scrollOffset + list.viewportSize >= list.scrollSize - AT_END;
    following.current = ended && !hasNewer.current;
  }, []);

  const current = useRef(rows);
  current.current = rows;
  const arrive = useCallback(() => {
    if (heading.current !== null) cancelAnimationFrame(heading.current.frame);
    heading.current = null;
  }, []);
  const go = useCallback(
    (target: Target) => {
      arrive();
      following.current = target === "end";
      const last = performance.now() + GIVES_UP_MS;
      let until = performance.now() + SETTLES_MS;
      // Looked at with each frame: the list has not grown yet at the moment when it tells that it will.
      const hold = () => {
        if (!isThere(virtualizer.current, current.current, target)) {
          scrollTo(virtualizer.current, current.current, target);
          until = performance.now() + SETTLES_MS;
        }
        if (performance.now() < Math.min(until, last))
          heading.current = { target, frame: requestAnimationFrame(hold) };
        else {
          arrive();
          follow();
        }
      };
      scrollTo(virtualizer.current, current.current, target);
      heading.current = { target, frame: requestAnimationFrame(hold) };
    },
    [arrive, follow],
  );
  useEffect(() => {
    const element = scroller.current;
    for (const hand of HANDS) element?.addEventListener(hand, arrive, { passive: true });
    return () => {
      arrive();
      for (const hand of HANDS) element?.removeEventListener(hand, arrive);
    };
  }, [arrive]);

  const toEnd = useCallback(() => go("end"), [go]);

  const toSeq = useCallback(
    (seq: number) => {
      const found = indexOfSeq(rows, seq) >= 0;
      wanted.current = found ? null : seq;
      if (found) go(seq);
      return found;
    },
    [go, rows],
  );

  /** What is on the screen: marks it as read where somebody looks at it, asks for more near the edges. */
  const look = useCallback(() => {
    const list = virtualizer.current;
    if (list === null || rows.length === 0 || list.viewportSize === 0) return;
    const bottom = list.scrollOffset + list.viewportSize;
    const ended = bottom >= list.scrollSize - AT_END;
    setAtEnd(ended && !history.hasNewer);
    if (document.visibilityState === "visible" && document.hasFocus()) {
      const seq = lastSeq(rows, list.findItemIndex(bottom - 8));
      const chat = client.state.getState().chats.get(chatId);
      if (seq !== null && chat !== undefined && seq > chat.read_seq) client.markRead(chatId, seq);
    }
    if (history.loading) return;
    // What cannot be loaded now is asked for with the next movement; that there is no connection is said elsewhere.
    const unless = () => undefined;
    if (history.hasOlder && list.scrollOffset < NEAR_EDGE) client.loadOlder(chatId).catch(unless);
    else if (history.hasNewer && bottom > list.scrollSize - NEAR_EDGE) client.loadNewer(chatId).catch(unless);
  }, [client, chatId, history, rows]);

  // Before anything is painted: where it opens, and that it stays at the end.
  const placed = useRef(-1);
  useLayoutEffect(() => {
    const list = virtualizer.current;
    if (list === null || rows.length === 0) return;
    const target = wanted.current === null ? -1 : indexOfSeq(rows, wanted.current);
    if (target >= 0 && wanted.current !== null) {
      go(wanted.current);
      wanted.current = null;
    } else if (placed.current !== shown.generation) {
      go(rows.some(({ unreadLine }) => unreadLine) ? "unread" : "end");
      following.current &&= !history.hasNewer;
    } else if (following.current || shown.ownSent) {
      go("end");
    }
    placed.current = shown.generation;
  }, [go, rows, shown, history.hasNewer]);

  // Short conversations are never scrolled; and what came while nobody looked is seen when somebody looks again.
  useEffect(() => {
    const frame = requestAnimationFrame(look);
    window.addEventListener("focus", look);
    document.addEventListener("visibilitychange", look);
    return () => {
      cancelAnimationFrame(frame);
      window.removeEventListener("focus", look);
      document.removeEventListener("visibilitychange", look);
    };
  }, [look]);

  const onScroll = useCallback(() => {
    const list = virtualizer.current;
    if (list === null) return;
    if (heading.current === null) follow();
    look();
    const top = list.findItemIndex(list.scrollOffset);
    const row = rows[top];
    setDay(row === undefined || separatorNear(list, rows, top) ? null : row.at);
    window.clearTimeout(dayTimer.current);
    dayTimer.current = window.setTimeout(() => setDay(null), DAY_STAYS_MS);
  }, [follow, look, rows]);
  useEffect(() => () => window.clearTimeout(dayTimer.current), []);

  const onResize = useCallback(() => {
    if (heading.current === null && following.current) go("end");
    look();
  }, [go, look]);

  return {
    scroller,
    virtualizer,
    generation: shown.generation,
    shift: shown.shift,
    atEnd,
    day,
    onScroll,
    onResize,
    toEnd,
    toSeq,
  };
}

function indexOf(rows: readonly TimelineRow[], target: Target): number {
  if (target === "end") return rows.length - 1;
  return target === "unread" ? rows.findIndex(({ unreadLine }) => unreadLine) : indexOfSeq(rows, target);
}

function scrollTo(list: VirtualizerHandle | null, rows: readonly TimelineRow[], target: Target): void {
  const index = indexOf(rows, target);
  if (index < 0) return;
  if (target === "unread") list?.scrollToIndex(index, { align: "start", offset: -ABOVE_UNREAD });
  else list?.scrollToIndex(index, { align: target === "end" ? "end" : "center" });
}

/** Whether it is scrolled to where `scrollTo` leads, as far as is known of the heights of rows. */
function isThere(list: VirtualizerHandle | null, rows: readonly TimelineRow[], target: Target): boolean {
  const index = indexOf(rows, target);
  if (list === null || index < 0) return true;
  const rest = list.getItemSize(index) - list.viewportSize;
  const before = target === "unread" ? -ABOVE_UNREAD : target === "end" ? rest : rest / 2;
  const last = Math.max(0, list.scrollSize - list.viewportSize);
  const offset = Math.min(last, Math.max(0, list.getItemOffset(index) + before));
  return Math.abs(list.scrollOffset - offset) <= NEAR;
}

/** Whether a day's own separator stands where the floating one would. */
function separatorNear(list: VirtualizerHandle, rows: readonly TimelineRow[], top: number): boolean {
  for (let at = top; at < rows.length; at += 1) {
    const offset = list.getItemOffset(at) - list.scrollOffset;
    if (offset > SEPARATOR) return false;
    if (rows[at]?.day != null && offset > -SEPARATOR) return true;
  }
  return false;
}

/** Whether the last row is a message that has just been written here. */
function writtenNow(old: readonly TimelineRow[], now: readonly TimelineRow[]): boolean {
  const last = now.at(-1);
  return last?.kind === "outgoing" && old.every(({ key }) => key !== last.key);
}

/** The `seq` of the last message up to this row; those that are not sent have none. */
function lastSeq(rows: readonly TimelineRow[], index: number): number | null {
  for (let at = Math.min(index, rows.length - 1); at >= 0; at -= 1) {
    const seq = seqOf(rows[at]);
    if (Number.isFinite(seq)) return seq;
  }
  return null;
}
