import { SearchX, X } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useChat, useOpened } from "@/store/hooks";
import { EmptyState, IconButton, PaneHeader, SkeletonRows } from "@/ui";
import { AddPeople } from "./AddPeople";
import { InviteLinks } from "./InviteLinks";
import { MemberList } from "./MemberList";
import { PersonInfo } from "./PersonInfo";
import styles from "./pane.module.css";
import { RoomInfo } from "./RoomInfo";

export type InfoPage = "main" | "members" | "add" | "links";

/** All about a chat, beside it: who is in it, and what one may change. Its pages lie one behind the other. */
export function ChatInfo({ chatId, onClose }: { chatId: string; onClose: () => void }) {
  const { t } = useTranslation("channels");
  const chat = useChat(chatId);
  const opened = useOpened();
  const [page, setPage] = useState<InfoPage>("main");
  // biome-ignore lint/correctness/useExhaustiveDependencies: another chat begins at its first page
  useEffect(() => setPage("main"), [chatId]);

  const heading = t(page === "main" ? `info.${chat?.type ?? "chat"}` : `info.${page}`);
  return (
    <div className={styles.pane}>
      <PaneHeader title={heading} onBack={page === "main" ? undefined : () => setPage("main")}>
        <IconButton label={t("info.close")} icon={X} onPress={onClose} />
      </PaneHeader>
      {inside()}
    </div>
  );

  function inside() {
    if (!opened) return <SkeletonRows label={t("info.loading")} />;
    if (chat === undefined) return <EmptyState icon={SearchX} title={t("info.gone")} />;
    if (chat.type === "direct") return <PersonInfo chat={chat} />;
    if (page === "members") return <MemberList chat={chat} />;
    if (page === "add") return <AddPeople chat={chat} onDone={() => setPage("main")} />;
    if (page === "links") return <InviteLinks chat={chat} />;
    return <RoomInfo chat={chat} onPage={setPage} />;
  }
}
