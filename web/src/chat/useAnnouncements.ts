/** Tells those who hear the page what comes in the open chat. */
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { useRealtime } from "@/store/context";
import { announce } from "@/ui";
import { usePreviewText } from "./PreviewLine";
import { previewOf } from "./preview";

export function useAnnouncements(chatId: string): void {
  const { t } = useTranslation("chat");
  const client = useRealtime();
  const say = usePreviewText();
  useEffect(
    () =>
      client.subscribe((event) => {
        if (event.name !== "MESSAGE_SENT" || event.missed) return;
        const { message } = event.payload;
        const { me, people } = client.state.getState();
        if (message.chat_id !== chatId || message.sender_id === me?.id) return;
        const name = people.get(message.sender_id)?.name ?? t("somebody");
        announce(t("announced", { name, text: say(previewOf(message)) }));
      }),
    [client, chatId, say, t],
  );
}
