import { Lock, Megaphone, Users } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { Chat } from "@/realtime/realtime";
import { EmptyState } from "@/ui";
import { maySend } from "./permissions";

const ICONS = { direct: Lock, group: Users, channel: Megaphone };

/** A conversation that has not begun. */
export function EmptyTalk({ chat }: { chat: Chat }) {
  const { t } = useTranslation("chat");
  return (
    <EmptyState icon={ICONS[chat.type]} title={t("emptyTalk.title")}>
      {maySend(chat) ? t("emptyTalk.write") : t("emptyTalk.read")}
    </EmptyState>
  );
}
