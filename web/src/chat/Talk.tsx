/** The messages of an open chat and where one writes the next, with what one does about a message in between. */
import { lazy, Suspense, useCallback, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useDropAndPaste, useWantedMessage } from "@/media";
import type { Chat, Draft, History } from "@/realtime/realtime";
import { useRealtime } from "@/store/context";
import { useMe } from "@/store/hooks";
import type { MessageView } from "@/types/socket";
import { confirm, Spinner, toast, useErrorWords } from "@/ui";
import { type Action, actionsFor, textOf } from "./actions";
import { Composer, type ComposerHandle } from "./Composer";
import { type Commands, CommandsProvider, type Composing } from "./commands";
import { EmptyTalk } from "./EmptyTalk";
import { Hindrance } from "./Hindrance";
import { MessageList, type MessageListHandle } from "./MessageList";
import styles from "./Talk.module.css";
import { type TimelineRow, timeline } from "./timeline";
import { useAnnouncements } from "./useAnnouncements";
import { useHindrance } from "./useHindrance";

const MessageInfo = lazy(() => import("./MessageInfo").then(({ MessageInfo }) => ({ default: MessageInfo })));
const Forward = lazy(() => import("./Forward").then(({ Forward }) => ({ default: Forward })));

const NEW: Composing = { kind: "new" };

/** What is open over the conversation. */
type Open = { kind: "info" | "forward"; message: MessageView } | null;

interface TalkProps {
  chat: Chat;
  history: History;
  /** The first messages are on their way. */
  waiting: boolean;
}

export function Talk({ chat, history, waiting }: TalkProps) {
  const { t } = useTranslation("chat");
  const client = useRealtime();
  const me = useMe();
  const words = useErrorWords();
  const list = useRef<MessageListHandle>(null);
  const composer = useRef<ComposerHandle>(null);
  const area = useRef<HTMLDivElement>(null);
  const [composing, setComposing] = useState<Composing>(NEW);
  const [open, setOpen] = useState<Open>(null);
  const hindrance = useHindrance(chat);
  const rows = useMemo(() => timeline(history, me.id), [history, me.id]);
  useAnnouncements(chat.id);

  const send = useCallback(
    (drafts: readonly Draft[]) => {
      const answered = composing.kind === "reply" ? composing.message.seq : null;
      drafts.forEach((draft, index) => {
        const reply = answered !== null && index === 0 ? { replyTo: answered } : {};
        client
          .send(chat.id, { ...draft, ...reply })
          // Not even kept on this device: what was written is given back.
          .catch((error: unknown) => {
            if (draft.type === "text") composer.current?.giveBack(String(draft.content.text));
            toast(words(error), { error: true });
          });
      });
      if (composing.kind === "reply") setComposing(NEW);
      list.current?.toEnd();
    },
    [client, chat.id, composing, words],
  );
  const done = useCallback(() => setComposing(NEW), []);
  const up = useCallback(() => list.current?.focusLast(), []);
  useDropAndPaste(area, hindrance === null ? send : ignore);

  const remove = async (message: MessageView) => {
    const own = message.sender_id === me.id;
    const wanted = await confirm({
      title: t("confirmDelete.title"),
      body: own ? t("confirmDelete.own") : t("confirmDelete.other"),
      action: t("confirmDelete.action"),
      danger: true,
    });
    if (!wanted) return;
    try {
      await client.remove(chat.id, message.seq);
    } catch (error) {
      toast(words(error), { error: true });
    }
  };

  const copy = async (row: TimelineRow) => {
    const selected = document.getSelection()?.toString();
    try {
      await navigator.clipboard.writeText(selected || (textOf(row) ?? ""));
      toast(t("copied"));
    } catch {
      toast(t("notCopied"), { error: true });
    }
  };

  const act = (action: Action, row: TimelineRow) => {
    if (action === "copy") void copy(row);
    else if (row.kind === "outgoing") {
      if (action === "retry") void client.retry(row.outgoing.clientId);
      if (action === "discard") void client.discard(row.outgoing.clientId);
    } else if (action === "delete") void remove(row.message);
    else if (action === "info" || action === "forward") setOpen({ kind: action, message: row.message });
    else if (action === "reply" || action === "edit") {
      setComposing({ kind: action, message: row.message });
      composer.current?.focus();
    }
  };

  const jump = (seq: number) => {
    if (list.current?.toSeq(seq) !== false) return;
    client.loadAround(chat.id, seq).catch((error: unknown) => toast(words(error), { error: true }));
  };

  useWantedMessage(chat.id, rows.length > 0, jump);

  // Rows ask when something happens: they need what is current then, and not to be rendered when it changes.
  const latest = useRef({ act, jump, chat, blocked: false });
  latest.current = { act, jump, chat, blocked: hindrance !== null };
  const commands = useMemo<Commands>(
    () => ({
      act: (action, row) => latest.current.act(action, row),
      jump: (seq) => latest.current.jump(seq),
      offered: (row) => actionsFor(row, latest.current.chat, me.id, latest.current.blocked),
    }),
    [me.id],
  );

  return (
    <CommandsProvider value={commands}>
      <div ref={area} className={styles.area}>
        {waiting && rows.length === 0 ? (
          <Spinner center label={t("loadingMessages")} />
        ) : rows.length === 0 ? (
          <EmptyTalk chat={chat} />
        ) : (
          <MessageList
            ref={list}
            chat={chat}
            history={history}
            rows={rows}
            onLeave={() => composer.current?.focus()}
          />
        )}
        {hindrance === null ? (
          <Composer
            ref={composer}
            chatId={chat.id}
            composing={composing}
            onDone={done}
            onSend={send}
            onUp={up}
          />
        ) : (
          <Hindrance hindrance={hindrance} />
        )}
      </div>
      <Suspense>
        {open?.kind === "info" && (
          <MessageInfo chat={chat} message={open.message} onClose={() => setOpen(null)} />
        )}
        {open?.kind === "forward" && <Forward message={open.message} onClose={() => setOpen(null)} />}
      </Suspense>
    </CommandsProvider>
  );
}

const ignore = () => undefined;
