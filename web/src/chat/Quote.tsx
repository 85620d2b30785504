/** The message that is answered, in short; a press leads to it. */
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { History } from "@/realtime/realtime";
import { useRealtime } from "@/store/context";
import { useRealtimeState } from "@/store/hooks";
import type { MessageView } from "@/types/socket";
import { colorOf } from "./colors";
import { Name } from "./Name";
import { PreviewLine } from "./PreviewLine";
import styles from "./Quote.module.css";

/** From the history that is open, else from wherever the client has it. `undefined` while it is looked for. */
function useMessage(chatId: string, seq: number): MessageView | null | undefined {
  const client = useRealtime();
  const open = useRealtimeState(({ histories }) => inHistory(histories.get(chatId), seq));
  const { data } = useQuery({
    queryKey: ["message", chatId, seq],
    queryFn: () => client.message(chatId, seq),
    enabled: open === undefined,
    staleTime: 60_000,
    retry: 1,
  });
  return open ?? data;
}

/** A history has no holes: where a message is in it follows from its number. */
function inHistory(history: History | undefined, seq: number): MessageView | undefined {
  const first = history?.messages[0]?.seq;
  return first === undefined ? undefined : history?.messages[seq - first];
}

export function Quote({
  chatId,
  seq,
  onJump,
}: {
  chatId: string;
  seq: number;
  onJump: (seq: number) => void;
}) {
  const { t } = useTranslation("chat");
  const message = useMessage(chatId, seq);
  return (
    <button
      type="button"
      tabIndex={-1}
      className={styles.quote}
      data-color={message ? colorOf(message.sender_id) : undefined}
      title={t("jumpToOriginal")}
      onClick={() => onJump(seq)}
    >
      <Quoted message={message} />
    </button>
  );
}

export function Quoted({ message }: { message: MessageView | null | undefined }) {
  const { t } = useTranslation("chat");
  if (message === undefined) return <span className={styles.body}>…</span>;
  if (message === null) return <span className={styles.body}>{t("originalGone")}</span>;
  return (
    <>
      <span className={styles.name}>
        <Name userId={message.sender_id} />
      </span>
      <span className={styles.body}>
        <PreviewLine shown={message} />
      </span>
    </>
  );
}
