import clsx from "clsx";
import { ChevronDown, CornerUpLeft } from "lucide-react";
import { memo, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { ContextMenu, formatDay, MenuItem, MenuSeparator } from "@/ui";
import { type Action, ICONS } from "./actions";
import { Bubble } from "./Bubble";
import { useCommands } from "./commands";
import styles from "./MessageRow.module.css";
import type { Progress } from "./ticks";
import type { TimelineRow } from "./timeline";

export interface MessageRowProps {
  row: TimelineRow;
  own: boolean;
  /** Of one's own messages. */
  progress: Progress | null;
  /** Names are shown: there are more than two people. */
  named: boolean;
  /** The one that the keyboard is at. */
  current: boolean;
  /** It takes the focus. */
  focused: boolean;
  /** It has been jumped to. */
  highlighted: boolean;
}

export const MessageRow = memo(function MessageRow(props: MessageRowProps) {
  const { row, own, progress, named, current, focused, highlighted } = props;
  const { t } = useTranslation("chat");
  const commands = useCommands();
  const element = useRef<HTMLDivElement>(null);
  const [near, setNear] = useState(false);
  const [within, setWithin] = useState(false);
  useEffect(() => {
    if (focused) element.current?.focus({ preventScroll: true });
  }, [focused]);
  const actions = near || within ? commands.offered(row) : [];
  return (
    <div className={styles.row} data-first={row.first || undefined}>
      {row.day !== null && (
        <div className={styles.separator} aria-hidden="true">
          <span className={styles.day}>{formatDay(row.day)}</span>
        </div>
      )}
      {row.unreadLine && (
        <div className={styles.unread} data-unread-line>
          <span>{t("unreadLine")}</span>
        </div>
      )}
      <ContextMenu label={t("messageActions")} menu={() => <MessageMenu row={row} />}>
        {/* biome-ignore lint/a11y/useSemanticElements: rows are far apart in the document */}
        <div
          ref={element}
          role="listitem"
          tabIndex={current ? 0 : -1}
          data-row={row.key}
          className={clsx(styles.line, own && styles.own, highlighted && styles.highlighted)}
          onPointerEnter={(event) => setNear(event.pointerType === "mouse")}
          onPointerLeave={() => setNear(false)}
          onFocus={({ currentTarget }) => setWithin(currentTarget.matches(":focus-visible"))}
          onBlur={() => setWithin(false)}
        >
          <Bubble row={row} own={own} progress={progress} named={named} />
          {actions.length > 0 && <Toolbar actions={actions} row={row} />}
        </div>
      </ContextMenu>
    </div>
  );
});

/** Beside the bubble under the pointer, and beside the one that the keyboard is at. */
function Toolbar({ actions, row }: { actions: readonly Action[]; row: TimelineRow }) {
  const { t } = useTranslation("chat");
  const { act } = useCommands();
  const openMenu = (event: React.MouseEvent<HTMLButtonElement>) => {
    const { left, bottom } = event.currentTarget.getBoundingClientRect();
    const at = { bubbles: true, cancelable: true, clientX: left, clientY: bottom };
    event.currentTarget.dispatchEvent(new MouseEvent("contextmenu", at));
  };
  return (
    <div className={styles.toolbar}>
      {actions.includes("reply") && (
        <button type="button" tabIndex={-1} title={t("action.reply")} onClick={() => act("reply", row)}>
          <CornerUpLeft size={16} aria-hidden="true" />
          <span className="visually-hidden">{t("action.reply")}</span>
        </button>
      )}
      <button type="button" tabIndex={-1} title={t("more")} aria-haspopup="menu" onClick={openMenu}>
        <ChevronDown size={16} aria-hidden="true" />
        <span className="visually-hidden">{t("more")}</span>
      </button>
    </div>
  );
}

function MessageMenu({ row }: { row: TimelineRow }) {
  const { t } = useTranslation("chat");
  const { act, offered } = useCommands();
  const actions = offered(row);
  if (actions.length === 0)
    return (
      <MenuItem isDisabled onAction={() => undefined}>
        {t("nothingToDo")}
      </MenuItem>
    );
  return actions.map((action) => {
    const grave = action === "delete" || action === "discard";
    return [
      grave && actions.length > 1 && <MenuSeparator key="line" />,
      <MenuItem key={action} icon={ICONS[action]} danger={grave} onAction={() => act(action, row)}>
        {t(`action.${action}`)}
      </MenuItem>,
    ];
  });
}
