import { MessageSquareText } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useMe, usePerson } from "@/store/hooks";
import type { MessageView } from "@/types/socket";
import { formatDayTime, formatMonth } from "@/ui/format";
import { IconButton } from "@/ui/IconButton";
import { MessageMedia } from "../MessageMedia";
import styles from "./FileRows.module.css";
import { byMonth } from "./months";
import { useShowInChat } from "./showInChat";

/** Documents or voice messages by month, newest first: as in the conversation, each with the way to its place there. */
export function FileRows({ messages }: { messages: readonly MessageView[] }) {
  return byMonth(messages).map((month) => (
    <section key={month.at}>
      <h2 className={styles.heading}>{formatMonth(month.at)}</h2>
      <ul className={styles.rows}>
        {month.messages.map((message) => (
          <li key={message.seq} className={styles.row}>
            <div className={styles.file}>
              <MessageMedia message={message} />
            </div>
            <Origin message={message} />
          </li>
        ))}
      </ul>
    </section>
  ));
}

function Origin({ message }: { message: MessageView }) {
  const { t } = useTranslation("media");
  const me = useMe();
  const show = useShowInChat();
  const own = message.sender_id === me.id;
  const person = usePerson(own ? null : message.sender_id);
  return (
    <div className={styles.origin}>
      <span className={styles.words}>
        <bdi>{own ? t("you") : person?.name}</bdi> · {formatDayTime(message.created_at)}
      </span>
      <IconButton
        label={t("shared.showInChat")}
        icon={MessageSquareText}
        onPress={() => show(message.chat_id, message.seq)}
      />
    </div>
  );
}
