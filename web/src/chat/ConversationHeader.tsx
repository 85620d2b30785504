import { ArrowLeft, PanelRight } from "lucide-react";
import { memo } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation, useRoute } from "wouter";
import { chatInfoPath, chatPath } from "@/app/place";
import { lastSeen } from "@/channels/lastSeen";
import type { Chat, Person } from "@/realtime/realtime";
import { useChatTitle, useConnection, usePerson, useTyping } from "@/store/hooks";
import { StoryRing } from "@/stories/StoryRing";
import { Avatar, IconButton, useNarrow } from "@/ui";
import styles from "./ConversationHeader.module.css";
import { TypingText } from "./TypingText";

export const ConversationHeader = memo(function ConversationHeader({ chat }: { chat: Chat }) {
  const { t } = useTranslation("chat");
  const narrow = useNarrow();
  const [, navigate] = useLocation();
  const [infoOpen] = useRoute("/chats/:chatId/info");
  const peer = usePerson(chat.peer_id, true);
  const title = useChatTitle(chat);
  const avatar = <Avatar name={title} mediaId={peer?.avatarMediaId} online={peer?.online} size={40} />;
  // Beside the list, the page has its first heading there.
  const Title = narrow ? "h1" : "h2";
  const info = infoOpen ? chatPath(chat.id) : chatInfoPath(chat.id);
  return (
    <header className={styles.header}>
      {narrow && (
        <IconButton
          label={t("backToChats")}
          icon={ArrowLeft}
          onPress={() => navigate("/")}
          className={styles.back}
        />
      )}
      {chat.peer_id != null && (
        <span className={styles.portrait}>
          <StoryRing userId={chat.peer_id} label={t("storiesOf", { name: title })}>
            {avatar}
          </StoryRing>
        </span>
      )}
      <Link href={info} className={styles.who} aria-label={t("openInfo", { title })}>
        {chat.peer_id == null && avatar}
        <span className={styles.words}>
          <Title className={styles.title} tabIndex={-1} data-pane-title>
            <bdi>{peer?.deleted === true ? t("deletedAccount") : title}</bdi>
          </Title>
          <span className={styles.status}>
            <Status chat={chat} peer={peer} />
          </span>
        </span>
      </Link>
      {!narrow && (
        <IconButton
          label={t("info")}
          icon={PanelRight}
          pressed={infoOpen}
          onPress={() => navigate(info)}
          className={styles.info}
        />
      )}
    </header>
  );
}, hasSameHead);

/** Whether it reads the same above both: a message that comes changes nothing there. */
function hasSameHead({ chat }: { chat: Chat }, { chat: now }: { chat: Chat }): boolean {
  return (
    chat.id === now.id &&
    chat.type === now.type &&
    chat.title === now.title &&
    chat.peer_id === now.peer_id &&
    chat.member_count === now.member_count
  );
}

/** Who is typing, else whether the other is there, or how many are in it. */
function Status({ chat, peer }: { chat: Chat; peer: Person | undefined }) {
  const { t } = useTranslation("chat");
  const typing = useTyping(chat.id);
  const connected = useConnection().status === "online";
  if (typing.length > 0) return <TypingText userIds={typing} named={chat.type !== "direct"} />;
  if (chat.type === "group") return t("members", { count: chat.member_count });
  if (chat.type === "channel") return t("subscribers", { count: chat.member_count });
  // What is known of others is old while there is no connection.
  const seen = connected && peer !== undefined ? lastSeen(peer) : null;
  return seen === null ? null : t(seen.text, { when: seen.when });
}
