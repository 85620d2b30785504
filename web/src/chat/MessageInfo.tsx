/** Who has received and read a message; in large chats, how many. */
import { useQuery } from "@tanstack/react-query";
import { CheckCheck } from "lucide-react";
import { useTranslation } from "react-i18next";
import { api, ok } from "@/api/client";
import type { Chat } from "@/realtime/realtime";
import { usePerson } from "@/store/hooks";
import type { components } from "@/types/openapi";
import type { MessageView } from "@/types/socket";
import { Avatar, Dialog, ErrorText, formatFull, Row, Spinner } from "@/ui";
import styles from "./MessageInfo.module.css";
import { useName } from "./Name";
import { PreviewLine } from "./PreviewLine";
import { Ticks } from "./Ticks";

type Receipts = components["schemas"]["MessageReceipts"];
type Receipt = components["schemas"]["MemberReceipt"];

export function MessageInfo({
  chat,
  message,
  onClose,
}: {
  chat: Chat;
  message: MessageView;
  onClose: () => void;
}) {
  const { t } = useTranslation("chat");
  const { data, error, refetch } = useQuery({
    // The cursors of all are in the key: what is open stays true while others read.
    queryKey: ["receipts", chat.id, message.seq, chat.deliveredByAll, chat.readByAll],
    queryFn: ({ signal }) =>
      ok(
        api.GET("/api/v1/chats/{chat_id}/messages/{seq}/receipts", {
          params: { path: { chat_id: chat.id, seq: message.seq } },
          signal,
        }),
      ),
    placeholderData: (before) => before,
    refetchInterval: 5_000,
  });
  return (
    <Dialog title={t("action.info")} onClose={onClose}>
      <div className={styles.message}>
        <PreviewLine shown={message} />
        <time dateTime={message.created_at}>{formatFull(message.created_at)}</time>
        {message.edited_at != null && <span>{t("editedAt", { when: formatFull(message.edited_at) })}</span>}
      </div>
      <ErrorText error={data === undefined ? error : null} onRetry={() => void refetch()} />
      {data === undefined ? (
        error === null && <Spinner center label={t("loadingReceipts")} />
      ) : (
        <Told receipts={data} />
      )}
    </Dialog>
  );
}

function Told({ receipts }: { receipts: Receipts }) {
  const { t } = useTranslation("chat");
  const { items } = receipts;
  if (items === null)
    return (
      <div className={styles.counts}>
        <Row
          avatar={<Ticks progress="read" />}
          title={t("readBy")}
          end={
            receipts.read === null ? t("notShown") : t("countOf", { count: receipts.read, of: receipts.of })
          }
        />
        <Row
          avatar={<CheckCheck size={16} aria-hidden="true" />}
          title={t("deliveredTo")}
          end={t("countOf", { count: receipts.delivered, of: receipts.of })}
        />
      </div>
    );
  const read = items.filter((item) => item.read === true);
  const delivered = items.filter((item) => item.read !== true && item.delivered);
  const waiting = items.filter((item) => item.read !== true && !item.delivered);
  return (
    <>
      <People title={t("readBy")} items={read} />
      <People title={t("deliveredTo")} items={delivered} />
      <People title={t("waitingFor")} items={waiting} />
    </>
  );
}

function People({ title, items }: { title: string; items: readonly Receipt[] }) {
  if (items.length === 0) return null;
  return (
    <section className={styles.people}>
      <h3>{title}</h3>
      {items.map(({ user_id }) => (
        <PersonRow key={user_id} userId={user_id} />
      ))}
    </section>
  );
}

function PersonRow({ userId }: { userId: string }) {
  const person = usePerson(userId);
  const name = useName(userId);
  return (
    <Row
      avatar={<Avatar name={name} mediaId={person?.avatarMediaId} size={36} />}
      title={<bdi>{name}</bdi>}
    />
  );
}
