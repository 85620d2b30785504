import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { chatPath } from "@/app/place";
import { closeChat, type Mute, mute, removeMember, setPinned, unmute } from "@/channels/chatCalls";
import type { Chat } from "@/realtime/realtime";
import { useRealtime } from "@/store/context";
import { useMe } from "@/store/hooks";
import { confirm, toast, useErrorWords } from "@/ui";

/** What one does with a chat as a whole. Events bring what it changed; what is refused is told. */
export function useChatActions(chat: Chat, title: string) {
  const { t } = useTranslation("chat");
  const client = useRealtime();
  const me = useMe();
  const words = useErrorWords();
  const [location, navigate] = useLocation();
  const attempt = (call: Promise<unknown>) =>
    call.catch((error: unknown) => toast(words(error), { error: true }));
  const away = () => {
    if (location.startsWith(chatPath(chat.id))) navigate("/");
  };
  return {
    togglePin: () => void attempt(setPinned(chat.id, !chat.pinned)),
    mute: (how: Mute) => void attempt(mute(chat.id, how)),
    unmute: () => void attempt(unmute(chat.id)),
    markRead: () => client.markRead(chat.id, chat.last_seq),
    leave: async () => {
      const sure = await confirm({
        title: t("confirmLeave.title", { title }),
        body: t(chat.my_role === "owner" ? "confirmLeave.owner" : "confirmLeave.body"),
        action: t("confirmLeave.action"),
        danger: true,
      });
      if (sure) await attempt(removeMember(chat.id, me.id).then(away));
    },
    close: async () => {
      const sure = await confirm({
        title: t("confirmClose.title", { title }),
        body: t("confirmClose.body"),
        action: t("confirmClose.action"),
        danger: true,
      });
      if (sure) await attempt(closeChat(chat.id).then(away));
    },
  };
}
