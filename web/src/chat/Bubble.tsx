/** One message, its own or another's, sent or not yet. */
import clsx from "clsx";
import { Ban, Forward, Info } from "lucide-react";
import { useTranslation } from "react-i18next";
import { MessageMedia, OutgoingMedia } from "@/media";
import { usePerson } from "@/store/hooks";
import type { MessageType } from "@/types/socket";
import { Avatar } from "@/ui";
import styles from "./Bubble.module.css";
import { colorOf } from "./colors";
import { useCommands } from "./commands";
import { Failed } from "./Failed";
import { FormattedText } from "./FormattedText";
import { Meta } from "./Meta";
import { Name } from "./Name";
import { Quote } from "./Quote";
import type { Progress } from "./ticks";
import type { TimelineRow } from "./timeline";

interface BubbleProps {
  row: TimelineRow;
  own: boolean;
  progress: Progress | null;
  named: boolean;
}

/** These fill their bubble to its edges, and on pictures lies the time. */
const fills = (type: MessageType) => isPicture(type) || type === "location";
const isPicture = (type: MessageType) => type === "image" || type === "video";

export function Bubble({ row, own, progress, named }: BubbleProps) {
  const { t } = useTranslation("chat");
  const { type, content, replyTo, forwarded, deleted } = facts(row);
  const { jump } = useCommands();
  if (type === "system") return <SystemNote text={text(content.text)} />;
  const caption = deleted ? null : text(content.caption);
  const meta = <Meta row={row} progress={progress} />;
  const filled = !deleted && fills(type);
  const showName = named && !own && row.first;
  return (
    <>
      {named && !own && <Portrait userId={row.senderId} shown={row.last} />}
      <div
        className={clsx(styles.bubble, own && styles.own)}
        data-last={row.last || undefined}
        data-filled={filled || undefined}
        data-failed={progress === "failed" || undefined}
        data-color={named && !own ? colorOf(row.senderId) : undefined}
      >
        <span className={showName ? styles.name : "visually-hidden"}>
          <Name userId={row.senderId} />
        </span>
        {forwarded && !deleted && (
          <div className={styles.forwarded}>
            <Forward className={styles.onward} size={13} aria-hidden="true" />
            <span>{t("isForwarded")}</span>
          </div>
        )}
        {replyTo !== null && !deleted && <Quote chatId={chatOf(row)} seq={replyTo} onJump={jump} />}
        {deleted ? (
          <div className={styles.deleted}>
            <Ban size={15} aria-hidden="true" />
            <span>{own ? t("deletedOwn") : t("deleted")}</span>
            {meta}
          </div>
        ) : type === "text" ? (
          <FormattedText text={text(content.text) ?? ""}>{meta}</FormattedText>
        ) : (
          <>
            <div className={styles.media}>
              {row.kind === "message" ? (
                <MessageMedia message={row.message} />
              ) : (
                <OutgoingMedia outgoing={row.outgoing} />
              )}
            </div>
            {caption !== null ? (
              <div className={styles.caption}>
                <FormattedText text={caption}>{meta}</FormattedText>
              </div>
            ) : (
              <div className={isPicture(type) ? styles.over : styles.under} data-type={type}>
                {meta}
              </div>
            )}
          </>
        )}
        {row.kind === "outgoing" && row.outgoing.status === "failed" && <Failed outgoing={row.outgoing} />}
      </div>
    </>
  );
}

function Portrait({ userId, shown }: { userId: string; shown: boolean }) {
  const person = usePerson(userId);
  return (
    <div className={styles.portrait}>
      {shown && <Avatar name={person?.name ?? ""} mediaId={person?.avatarMediaId} size={30} />}
    </div>
  );
}

/** Written by the server itself. Today it writes none; what a later one says is shown as it comes. */
function SystemNote({ text }: { text: string | null }) {
  const { t } = useTranslation("chat");
  return (
    <div className={styles.system}>
      <Info size={14} aria-hidden="true" />
      <span dir="auto">{text ?? t("kind.system")}</span>
    </div>
  );
}

const text = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);
const chatOf = (row: TimelineRow) => (row.kind === "message" ? row.message.chat_id : row.outgoing.chatId);

function facts(row: TimelineRow): {
  type: MessageType;
  content: Record<string, unknown>;
  replyTo: number | null;
  forwarded: boolean;
  deleted: boolean;
} {
  if (row.kind === "outgoing") {
    const { draft } = row.outgoing;
    return {
      type: draft.type,
      content: draft.content,
      replyTo: draft.replyTo ?? null,
      forwarded: draft.forwarded === true,
      deleted: false,
    };
  }
  const { message } = row;
  return {
    type: message.type,
    content: message.content as Record<string, unknown>,
    replyTo: message.reply_to ?? null,
    forwarded: message.forwarded === true,
    deleted: message.deleted === true,
  };
}
