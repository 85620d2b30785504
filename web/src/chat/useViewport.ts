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
/** How long a jump may take until everything around it is measured. */
const ARRIVES_MS = 1_000;

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
  /** Where a jump leads, until it has arrived: rows that are measured on the way move everything, and nothing of that is somebody's scrolling. */
  const jump = useRef<{ seq: number; timer: number } | null>(null);
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

  const land = useCallback(() => {
    window.clearTimeout(jump.current?.timer);
    jump.current = null;
  }, []);
  const leap = useCallback(
    (seq: number, index: number) => {
      land();
      jump.current = { seq, timer: window.setTimeout(land, ARRIVES_MS) };
      following.current = false;
      virtualizer.current?.scrollToIndex(index, { align: "center" });
    },
    [land],
  );
  useEffect(() => land, [land]);

  const toEnd = useCallback(() => {
    land();
    following.current = true;
    if (rows.length > 0) virtualizer.current?.scrollToIndex(rows.length - 1, { align: "end" });
  }, [land, rows.length]);

  const toSeq = useCallback(
    (seq: number) => {
      const index = indexOfSeq(rows, seq);
      wanted.current = index < 0 ? seq : null;
      if (index < 0) return false;
      leap(seq, index);
      return true;
    },
    [leap, rows],
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
      leap(wanted.current, target);
      wanted.current = null;
    } else if (placed.current !== shown.generation) {
      const line = rows.findIndex(({ unreadLine }) => unreadLine);
      following.current = line < 0 && !history.hasNewer;
      if (line >= 0) list.scrollToIndex(line, { align: "start", offset: -ABOVE_UNREAD });
      else list.scrollToIndex(rows.length - 1, { align: "end" });
    } else if (following.current || shown.ownSent) {
      following.current = true;
      list.scrollToIndex(rows.length - 1, { align: "end" });
    }
    placed.current = shown.generation;
  }, [leap, rows, shown, history.hasNewer]);

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
    following.current =
      jump.current === null &&
      list.scrollOffset + list.viewportSize >= list.scrollSize - AT_END &&
      !history.hasNewer;
    look();
    const top = list.findItemIndex(list.scrollOffset);
    const row = rows[top];
    setDay(row === undefined || separatorNear(list, rows, top) ? null : row.at);
    window.clearTimeout(dayTimer.current);
    dayTimer.current = window.setTimeout(() => setDay(null), DAY_STAYS_MS);
  }, [look, rows, history.hasNewer]);
  useEffect(() => () => window.clearTimeout(dayTimer.current), []);

  const onResize = useCallback(() => {
    const target = jump.current === null ? -1 : indexOfSeq(rows, jump.current.seq);
    if (target >= 0) virtualizer.current?.scrollToIndex(target, { align: "center" });
    else if (following.current) toEnd();
    look();
  }, [rows, toEnd, look]);

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
