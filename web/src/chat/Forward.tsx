/** A message passed on to other chats. */

import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { Check } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { chatPath } from "@/app/place";
import { type DownloadOptions, fetchFile } from "@/media/download";
import { isSendable, nameFor } from "@/media/files";
import type { Attachment, Chat } from "@/realtime/realtime";
import { useRealtime } from "@/store/context";
import { useChatTitle, useMe, usePerson, useRealtimeState } from "@/store/hooks";
import type { MessageView } from "@/types/socket";
import { Avatar, Button, Dialog, EmptyState, Row, SearchField, toast, useErrorWords } from "@/ui";
import styles from "./Forward.module.css";
import { shows } from "./filters";
import { type Fetch, forwarded } from "./forwarding";
import { maySend } from "./permissions";
import { titleOf } from "./titles";

/** As many chats at once: more would be a circular. */
const MOST = 5;

export function Forward({ message, onClose }: { message: MessageView; onClose: () => void }) {
  const { t } = useTranslation("chat");
  const client = useRealtime();
  const words = useErrorWords();
  const [, navigate] = useLocation();
  const [query, setQuery] = useState("");
  const queries = useQueryClient();
  const me = useMe();
  /** How much of the file is there, from 0 to 1, while it is fetched. */
  const [fetched, setFetched] = useState<number | null>(null);
  const abort = useRef(new AbortController());
  useEffect(() => {
    abort.current = new AbortController();
    return () => abort.current.abort();
  }, []);
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const { chats, chatOrder, people } = useRealtimeState((state) => state);
  const offered = chatOrder.flatMap((id) => {
    const chat = chats.get(id);
    const fits =
      chat !== undefined && maySend(chat) && shows(chat, titleOf(chat, people), "all", query, null);
    return fits ? [chat] : [];
  });
  const choose = (id: string) =>
    setChosen((before) =>
      before.includes(id) ? before.filter((other) => other !== id) : [...before, id].slice(-MOST),
    );
  const send = async () => {
    const { signal } = abort.current;
    try {
      setFetched(0);
      const fetch = fetching(queries, { signal, onProgress: setFetched });
      const draft = await forwarded(message, me.id, fetch);
      await Promise.all(chosen.map((id) => client.send(id, draft)));
      onClose();
      const [only] = chosen;
      if (chosen.length === 1 && only !== undefined) navigate(chatPath(only));
      else toast(t("forwarded", { count: chosen.length }));
    } catch (error) {
      if (signal.aborted) return;
      setFetched(null);
      toast(words(error), { error: true });
    }
  };
  return (
    <Dialog
      title={t("forwardTo")}
      onClose={onClose}
      actions={
        <>
          {fetched !== null && fetched > 0 && (
            <progress className={styles.progress} max={1} value={fetched} aria-label={t("fetching")} />
          )}
          <Button
            variant="primary"
            isDisabled={chosen.length === 0}
            isPending={fetched !== null}
            onPress={() => void send()}
          >
            {t("send")}
          </Button>
        </>
      }
    >
      <SearchField label={t("searchChats")} value={query} onChange={setQuery} />
      <div className={styles.chats}>
        {offered.length === 0 && <EmptyState icon={Check} title={t("noMatch.title")} />}
        {offered.slice(0, 50).map((chat) => (
          <ChatChoice key={chat.id} chat={chat} chosen={chosen.includes(chat.id)} onChoose={choose} />
        ))}
      </div>
    </Dialog>
  );
}

/** Files come as octets; what is to be shown is given its type again if it is one that is shown. */
const fetching =
  (queries: QueryClient, options: DownloadOptions): Fetch =>
  async ({ media_id, type, created_at }) => {
    const { blob, file } = await fetchFile(queries, media_id ?? "", options);
    const kind = type as Attachment["kind"];
    const shown = kind !== "document" && isSendable(kind, file.content_type);
    return {
      blob: shown ? new Blob([blob], { type: file.content_type }) : blob,
      kind,
      contentType: file.content_type,
      filename: file.filename ?? nameFor(kind, file.content_type, new Date(created_at)),
    };
  };

function ChatChoice({
  chat,
  chosen,
  onChoose,
}: {
  chat: Chat;
  chosen: boolean;
  onChoose: (id: string) => void;
}) {
  const title = useChatTitle(chat);
  const peer = usePerson(chat.peer_id);
  return (
    <Row
      avatar={<Avatar name={title} mediaId={peer?.avatarMediaId} size={36} />}
      title={<bdi>{title}</bdi>}
      selected={chosen}
      end={chosen && <Check size={18} />}
      onPress={() => onChoose(chat.id)}
    />
  );
}
