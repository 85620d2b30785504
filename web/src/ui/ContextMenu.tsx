import { Suspense, useRef, useState } from "react";
import { createPortal } from "react-dom";
import { MenuPopover } from "./Menu";
import styles from "./Menu.module.css";

const LONG_PRESS_MS = 500;
const MOVED_PX = 10;

/**
 * The menu of what it is around: by the secondary button, the menu key, Shift+F10 or a long touch. `menu` are `MenuItem`s, made when it is opened.
 *
 * A text that is selected, and a link, keep the browser's own menu; a link with `data-own-menu` does not.
 */
export function ContextMenu({
  label,
  menu,
  className,
  children,
}: {
  label: string;
  menu: () => React.ReactNode;
  className?: string | undefined;
  children: React.ReactNode;
}) {
  const [at, setAt] = useState<{ x: number; y: number } | null>(null);
  const anchor = useRef<HTMLSpanElement>(null);
  const touch = useRef<{ timer: number; x: number; y: number } | null>(null);
  const away = () => {
    if (touch.current !== null) window.clearTimeout(touch.current.timer);
    touch.current = null;
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: what it offers is to be had by the keyboard's menu key, which the browser turns into `contextmenu`
    <div
      className={className}
      onContextMenu={(event) => {
        const target = event.target as Element;
        if (
          target.closest("a:not([data-own-menu]), input, textarea") !== null ||
          !document.getSelection()?.isCollapsed
        )
          return;
        event.preventDefault();
        event.stopPropagation();
        // The menu key has no position: then it is that of what has the focus.
        const box = target.getBoundingClientRect();
        const keyboard = event.clientX === 0 && event.clientY === 0;
        setAt(
          keyboard
            ? { x: box.left + box.width / 2, y: box.top + box.height / 2 }
            : { x: event.clientX, y: event.clientY },
        );
      }}
      onPointerDown={(event) => {
        if (event.pointerType !== "touch") return;
        const { clientX: x, clientY: y } = event;
        away();
        touch.current = { x, y, timer: window.setTimeout(() => setAt({ x, y }), LONG_PRESS_MS) };
      }}
      onPointerMove={(event) => {
        const from = touch.current;
        if (from !== null && Math.hypot(event.clientX - from.x, event.clientY - from.y) > MOVED_PX) away();
      }}
      onPointerUp={away}
      onPointerCancel={away}
    >
      {children}
      {at !== null && (
        <>
          {/* Of the page itself: within a list that places its items, "fixed" is fixed to an item. */}
          {createPortal(
            <span
              ref={anchor}
              className={styles.anchor}
              style={{ left: at.x, top: at.y }}
              aria-hidden="true"
            />,
            document.body,
          )}
          <Suspense>
            <MenuPopover
              label={label}
              anchor={anchor}
              placement="bottom start"
              offset={2}
              onClose={() => setAt(null)}
            >
              {menu()}
            </MenuPopover>
          </Suspense>
        </>
      )}
    </div>
  );
}
