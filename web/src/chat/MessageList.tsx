import { ArrowDown } from "lucide-react";
import { type Ref, useCallback, useEffect, useImperativeHandle, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Virtualizer } from "virtua";
import type { Chat, History } from "@/realtime/realtime";
import { useRealtime } from "@/store/context";
import { useMe } from "@/store/hooks";
import { formatCount, formatDay, Spinner } from "@/ui";
import { KEYS } from "./actions";
import { useCommands } from "./commands";
import styles from "./MessageList.module.css";
import { MessageRow } from "./MessageRow";
import { progressOf, progressOfOutgoing } from "./ticks";
import type { TimelineRow } from "./timeline";
import { useStill } from "./useStill";
import { useViewport } from "./useViewport";

export interface MessageListHandle {
  toEnd(): void;
  /** Shows and marks a message; whether it is in memory. When it is not, it is shown as soon as it comes. */
  toSeq(seq: number): boolean;
  /** Moves the keyboard to the newest message. */
  focusLast(): void;
}

interface MessageListProps {
  chat: Chat;
  history: History;
  rows: readonly TimelineRow[];
  ref: Ref<MessageListHandle>;
  onLeave: () => void;
}

export function MessageList({ chat, history, rows: latest, ref, onLeave }: MessageListProps) {
  const { t } = useTranslation("chat");
  const client = useRealtime();
  const me = useMe();
  const { act, offered } = useCommands();
  const [rows, onPointerDown] = useStill(latest);
  const viewport = useViewport(chat.id, history, rows);
  const { virtualizer, toEnd, toSeq } = viewport;
  const [marked, setMarked] = useState<number | null>(null);
  /** The row that the keyboard is at; `focus` when it is to have the focus. */
  const [current, setCurrent] = useState<{ key: string; focus: boolean } | null>(null);
  const at = useMemo(
    () => (current === null ? -1 : rows.findIndex(({ key }) => key === current.key)),
    [rows, current],
  );
  /** The last row on the screen, where the list was last at rest. */
  const [resting, setResting] = useState<string | null>(null);
  const rest = useCallback(() => {
    const list = virtualizer.current;
    if (list === null) return;
    setResting(rows[list.findItemIndex(list.scrollOffset + list.viewportSize - 1)]?.key ?? null);
  }, [rows, virtualizer]);
  const tabbable = useMemo(() => {
    if (at >= 0) return at;
    const seen = viewport.atEnd ? -1 : rows.findIndex(({ key }) => key === resting);
    return seen < 0 ? rows.length - 1 : seen;
  }, [at, rows, resting, viewport.atEnd]);

  const move = useCallback(
    (index: number) => {
      const row = rows[Math.max(0, Math.min(rows.length - 1, index))];
      if (row === undefined) return;
      virtualizer.current?.scrollToIndex(rows.indexOf(row), { align: "nearest" });
      setCurrent({ key: row.key, focus: true });
    },
    [rows, virtualizer],
  );

  const newest = useCallback(() => {
    // Offline, the newest that is here has to do.
    if (history.hasNewer) client.loadNewest(chat.id).catch(toEnd);
    else toEnd();
  }, [client, chat.id, history.hasNewer, toEnd]);

  useImperativeHandle(
    ref,
    () => ({
      toEnd: newest,
      toSeq(seq) {
        setMarked(seq);
        return toSeq(seq);
      },
      focusLast: () => move(rows.length - 1),
    }),
    [newest, toSeq, move, rows.length],
  );

  useEffect(() => {
    if (marked === null) return;
    const timer = window.setTimeout(() => setMarked(null), 2_500);
    return () => window.clearTimeout(timer);
  }, [marked]);

  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const element = event.target as HTMLElement;
    const index = rows.findIndex(({ key }) => key === element.dataset.row);
    const row = rows[index];
    if (row === undefined) return;
    const moves: Record<string, number> = {
      ArrowUp: index - 1,
      ArrowDown: index + 1,
      Home: 0,
      End: rows.length - 1,
    };
    const to = moves[event.key];
    const action = KEYS[event.code];
    if (event.key === "ArrowDown" && index === rows.length - 1) onLeave();
    else if (to !== undefined) move(to);
    else if (event.key === "Escape") onLeave();
    else if (event.key === "Enter" || event.key === " ") openMenu(element);
    else if (action !== undefined && offered(row).includes(action)) act(action, row);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const named = chat.type !== "direct";
  return (
    <div className={styles.pane}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: keys of the messages in it */}
      <div
        ref={viewport.scroller}
        className={styles.scroller}
        onKeyDown={onKeyDown}
        onPointerDown={onPointerDown}
        onFocus={({ target }) => {
          const key = (target as HTMLElement).dataset.row;
          if (key !== undefined && key !== current?.key) setCurrent({ key, focus: false });
        }}
        onBlur={() => setCurrent((was) => (was?.focus ? { ...was, focus: false } : was))}
        data-scroller
      >
        <div className={styles.above} />
        {/* biome-ignore lint/a11y/useSemanticElements: its items are placed by the virtual list */}
        <div role="list" aria-label={t("messages")}>
          <Virtualizer
            key={viewport.generation}
            ref={virtualizer}
            scrollRef={viewport.scroller}
            shift={viewport.shift}
            onScroll={viewport.onScroll}
            onScrollEnd={rest}
            onResize={viewport.onResize}
            keepMounted={tabbable < 0 ? [] : [tabbable]}
            data={rows}
          >
            {(row, index) => {
              const own = row.senderId === me.id;
              return (
                <MessageRow
                  key={row.key}
                  row={row}
                  own={own}
                  progress={progress(row, own, chat)}
                  named={named}
                  current={index === tabbable}
                  focused={current?.focus === true && row.key === current.key}
                  highlighted={row.kind === "message" && row.message.seq === marked}
                />
              );
            }}
          </Virtualizer>
        </div>
      </div>
      {history.loading && rows.length > 0 && (
        <div className={styles.loading}>
          <Spinner size={20} label={t("loadingMessages")} />
        </div>
      )}
      {viewport.day !== null && (
        <div className={styles.day} aria-hidden="true">
          {formatDay(viewport.day)}
        </div>
      )}
      {!viewport.atEnd && (
        <button type="button" className={styles.jump} onClick={newest} title={t("jumpToNewest")}>
          <ArrowDown size={20} aria-hidden="true" />
          <span className="visually-hidden">
            {chat.unread > 0 ? t("jumpToNew", { count: chat.unread }) : t("jumpToNewest")}
          </span>
          {chat.unread > 0 && (
            <span className={styles.count} aria-hidden="true">
              {formatCount(chat.unread)}
            </span>
          )}
        </button>
      )}
    </div>
  );
}

function progress(row: TimelineRow, own: boolean, chat: Chat) {
  if (!own) return null;
  if (row.kind === "outgoing") return progressOfOutgoing(row.outgoing);
  return row.message.deleted === true ? null : progressOf(row.message, chat);
}

/** As the menu key does it: where a keyboard has no such key. */
function openMenu(element: HTMLElement): void {
  element.dispatchEvent(new MouseEvent("contextmenu", { bubbles: true, cancelable: true }));
}
