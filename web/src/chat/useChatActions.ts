import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { api, ok } from "@/api/client";
import type { Chat } from "@/realtime/realtime";
import { useRealtime } from "@/store/context";
import { useMe } from "@/store/hooks";
import { confirm, toast, useErrorWords } from "@/ui";

const HOUR_MS = 3_600_000;

/** For how long a chat is muted; `null` is for ever. */
export const MUTES = [
  { name: "hours", ms: 8 * HOUR_MS },
  { name: "week", ms: 7 * 24 * HOUR_MS },
  { name: "always", ms: null },
] as const;

/** What one does with a chat as a whole. Events bring what it changed; what is refused is told. */
export function useChatActions(chat: Chat, title: string) {
  const { t } = useTranslation("chat");
  const client = useRealtime();
  const me = useMe();
  const words = useErrorWords();
  const [location, navigate] = useLocation();
  const path = { params: { path: { chat_id: chat.id } } };
  const attempt = (call: Promise<unknown>) =>
    call.catch((error: unknown) => toast(words(error), { error: true }));
  const away = () => {
    if (location.startsWith(`/chats/${chat.id}`)) navigate("/");
  };
  return {
    togglePin: () =>
      void attempt(
        ok(
          chat.pinned
            ? api.DELETE("/api/v1/chats/{chat_id}/pin", path)
            : api.PUT("/api/v1/chats/{chat_id}/pin", path),
        ),
      ),
    mute: (ms: number | null) => {
      const until = ms === null ? null : new Date(Date.now() + ms).toISOString();
      void attempt(ok(api.PUT("/api/v1/chats/{chat_id}/mute", { ...path, body: { until } })));
    },
    unmute: () => void attempt(ok(api.DELETE("/api/v1/chats/{chat_id}/mute", path))),
    markRead: () => client.markRead(chat.id, chat.last_seq),
    leave: async () => {
      const sure = await confirm({
        title: t("confirmLeave.title", { title }),
        body: t(chat.my_role === "owner" ? "confirmLeave.owner" : "confirmLeave.body"),
        action: t("confirmLeave.action"),
        danger: true,
      });
      if (!sure) return;
      const member = { params: { path: { chat_id: chat.id, user_id: me.id } } };
      await attempt(ok(api.DELETE("/api/v1/chats/{chat_id}/members/{user_id}", member)).then(away));
    },
    close: async () => {
      const sure = await confirm({
        title: t("confirmClose.title", { title }),
        body: t("confirmClose.body"),
        action: t("confirmClose.action"),
        danger: true,
      });
      if (sure) await attempt(ok(api.DELETE("/api/v1/chats/{chat_id}", path)).then(away));
    },
  };
}
