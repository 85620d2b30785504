import { MessagesSquare } from "lucide-react";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { LiveLocationBanner } from "@/media";
import type { Chat, History } from "@/realtime/realtime";
import { useRealtime } from "@/store/context";
import { useChat, useConnection, useHistory, useOpened } from "@/store/hooks";
import { EmptyState, Spinner } from "@/ui";
import "./colors.css";
import styles from "./Conversation.module.css";
import { ConversationHeader } from "./ConversationHeader";
import { Talk } from "./Talk";

export function Conversation({ chatId }: { chatId: string }) {
  return <OpenChat key={chatId} chatId={chatId} />;
}

function OpenChat({ chatId }: { chatId: string }) {
  const { t } = useTranslation("chat");
  const client = useRealtime();
  const chat = useChat(chatId);
  const history = useHistory(chatId);
  const opened = useOpened();
  const { status } = useConnection();
  const known = chat !== undefined;
  useEffect(() => (known ? client.openChat(chatId) : undefined), [client, chatId, known]);
  if (chat === undefined) {
    // It may be one that was made or joined elsewhere a moment ago.
    const coming = !opened || status === "connecting" || status === "catching-up";
    return (
      <div className={styles.conversation}>
        {coming ? (
          <Spinner center label={t("loadingChat")} />
        ) : (
          <EmptyState icon={MessagesSquare} title={t("noChat.title")}>
            {t("noChat.body")}
          </EmptyState>
        )}
      </div>
    );
  }
  return <Shown chat={chat} history={history} />;
}

function Shown({ chat, history }: { chat: Chat; history: History | undefined }) {
  const { t } = useTranslation("chat");
  return (
    <div className={styles.conversation}>
      <ConversationHeader chat={chat} />
      <LiveLocationBanner chatId={chat.id} />
      {history === undefined ? (
        <Spinner center label={t("loadingMessages")} />
      ) : (
        <Talk chat={chat} history={history} waiting={history.loading && history.messages.length === 0} />
      )}
    </div>
  );
}
