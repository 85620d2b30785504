import clsx from "clsx";
import { BellOff, Megaphone, Pin, Users } from "lucide-react";
import { memo, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { chatPath } from "@/app/place";
import type { Chat } from "@/realtime/realtime";
import { useRealtime } from "@/store/context";
import { useChat, useChatTitle, useMe, usePerson, useTyping } from "@/store/hooks";
import { StoryRing } from "@/stories/StoryRing";
import { Avatar, Badge, ContextMenu, formatFull, formatListTime } from "@/ui";
import { ChatMenu } from "./ChatMenu";
import styles from "./ChatRow.module.css";
import { Name } from "./Name";
import { PreviewLine } from "./PreviewLine";
import { isOutgoing } from "./preview";
import { Ticks } from "./Ticks";
import { TypingText } from "./TypingText";
import { type Progress, progressOf, progressOfOutgoing } from "./ticks";

interface ChatRowProps {
  chatId: string;
  /** It is on the screen beside the list. */
  open: boolean;
  /** The one that the keyboard is at, and whether it takes the focus. */
  current: boolean;
  focused: boolean;
  onFocus: (at: { id: string; focus: boolean }) => void;
}

export const ChatRow = memo(function ChatRow(props: ChatRowProps) {
  const chat = useChat(props.chatId);
  return chat === undefined ? null : <Shown {...props} chat={chat} />;
});

const KIND = { direct: null, group: Users, channel: Megaphone };

function Shown({ chat, open, current, focused, onFocus }: ChatRowProps & { chat: Chat }) {
  const { t } = useTranslation("chat");
  const link = useRef<HTMLAnchorElement>(null);
  const title = useChatTitle(chat);
  const peer = usePerson(chat.peer_id);
  const Kind = KIND[chat.type];
  const at = timeOf(chat);
  const avatar = <Avatar name={title} mediaId={peer?.avatarMediaId} online={peer?.online} size={48} />;
  useEffect(() => {
    if (focused) link.current?.focus({ preventScroll: true });
  }, [focused]);
  return (
    <ContextMenu label={t("chatActions", { title })} menu={() => <ChatMenu chat={chat} title={title} />}>
      {/* biome-ignore lint/a11y/useSemanticElements: placed by the virtual list */}
      <div role="listitem" className={styles.item}>
        <Link
          ref={link}
          href={chatPath(chat.id)}
          className={clsx(styles.row, open && styles.open)}
          aria-current={open ? "page" : undefined}
          tabIndex={current ? 0 : -1}
          data-chat={chat.id}
          data-own-menu
          draggable={false}
          onFocus={() => onFocus({ id: chat.id, focus: false })}
        >
          <span className={styles.words}>
            <span className={styles.top}>
              {Kind !== null && <Kind size={15} aria-hidden="true" className={styles.kind} />}
              <bdi className={styles.title}>{peer?.deleted === true ? t("deletedAccount") : title}</bdi>
              {chat.muted && (
                <>
                  <BellOff size={14} aria-hidden="true" className={styles.kind} />
                  <span className="visually-hidden">{t("muted")}</span>
                </>
              )}
              {at !== null && (
                <time
                  className={styles.time}
                  dateTime={at}
                  title={formatFull(at)}
                  data-unread={chat.unread > 0 || undefined}
                >
                  {formatListTime(at)}
                </time>
              )}
            </span>
            <span className={styles.bottom}>
              <LastLine chat={chat} open={open} />
              {chat.pinned && (
                <>
                  <Pin size={15} aria-hidden="true" className={styles.pin} />
                  <span className="visually-hidden">{t("pinned")}</span>
                </>
              )}
              <Badge count={chat.unread} muted={chat.muted} label={t("unread", { count: chat.unread })} />
            </span>
          </span>
        </Link>
        <span className={styles.portrait}>
          {chat.peer_id == null ? (
            avatar
          ) : (
            <StoryRing userId={chat.peer_id} label={t("storiesOf", { name: title })} reachable={false}>
              {avatar}
            </StoryRing>
          )}
        </span>
      </div>
    </ContextMenu>
  );
}

/** What one is writing there, who is typing, or the last message. */
function LastLine({ chat, open }: { chat: Chat; open: boolean }) {
  const { t } = useTranslation("chat");
  const client = useRealtime();
  const me = useMe();
  const typing = useTyping(chat.id);
  if (typing.length > 0)
    return (
      <span className={styles.last}>
        <TypingText userIds={typing} named={chat.type !== "direct"} />
      </span>
    );
  const draft = open ? "" : client.draftText(chat.id).trim();
  if (draft !== "")
    return (
      <span className={styles.last}>
        <span className={styles.draft}>{t("draft")}</span> <span dir="auto">{draft.slice(0, 200)}</span>
      </span>
    );
  const { preview } = chat;
  if (preview === null) return <span className={styles.last}>{t("noMessages")}</span>;
  const progress = progressOfLast(chat, me.id);
  const senderId = isOutgoing(preview) ? me.id : preview.sender_id;
  return (
    <span className={styles.last}>
      {progress !== null && <Ticks progress={progress} />}
      {chat.type !== "direct" && (progress === null || senderId !== me.id) && (
        <span className={styles.sender}>
          <Name userId={senderId} />:
        </span>
      )}
      <PreviewLine shown={preview} />
    </span>
  );
}

function progressOfLast(chat: Chat, me: string): Progress | null {
  const { preview } = chat;
  if (preview === null) return null;
  if (isOutgoing(preview)) return progressOfOutgoing(preview);
  return preview.sender_id === me && preview.deleted !== true ? progressOf(preview, chat) : null;
}

function timeOf({ preview, created_at }: Chat): string | null {
  if (preview === null) return created_at;
  return isOutgoing(preview) ? preview.createdAt : preview.created_at;
}
