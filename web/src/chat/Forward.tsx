/** A text passed on to other chats. */
import { Check } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import type { Chat } from "@/realtime/realtime";
import { useRealtime } from "@/store/context";
import { useChatTitle, usePerson, useRealtimeState } from "@/store/hooks";
import type { MessageView } from "@/types/socket";
import { Avatar, Button, Dialog, EmptyState, Row, SearchField, toast, useErrorWords } from "@/ui";
import styles from "./Forward.module.css";
import { shows } from "./filters";
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
    try {
      const { text } = message.content as { text: string };
      await Promise.all(chosen.map((id) => client.send(id, { type: "text", content: { text } })));
      onClose();
      if (chosen.length === 1) navigate(`/chats/${chosen[0]}`);
      else toast(t("forwarded", { count: chosen.length }));
    } catch (error) {
      toast(words(error), { error: true });
    }
  };
  return (
    <Dialog
      title={t("forwardTo")}
      onClose={onClose}
      actions={
        <Button variant="primary" isDisabled={chosen.length === 0} onPress={() => void send()}>
          {t("send")}
        </Button>
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
