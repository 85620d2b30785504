import { SearchX, X } from "lucide-react";
import { Suspense, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { lazily } from "@/app/lazily";
import { chatInfoPath } from "@/app/place";
import { useChat, useOpened } from "@/store/hooks";
import { EmptyState, IconButton, PaneHeader, SkeletonRows } from "@/ui";
import { AddPeople } from "./AddPeople";
import { InviteLinks } from "./InviteLinks";
import { MemberList } from "./MemberList";
import { PersonInfo } from "./PersonInfo";
import styles from "./pane.module.css";
import { RoomInfo } from "./RoomInfo";

const SharedPane = lazily(() => import("@/media/shared/SharedPane").then((module) => module.SharedPane));

export type InfoPage = "main" | "members" | "add" | "links";

/**
 * All about a chat, beside it: who is in it, and what one may change. Its pages lie one behind the other; `media`, all that was shown in the chat, has
 * an address of its own.
 */
export function ChatInfo({
  chatId,
  media = false,
  onClose,
}: {
  chatId: string;
  media?: boolean;
  onClose: () => void;
}) {
  const { t } = useTranslation("channels");
  const chat = useChat(chatId);
  const opened = useOpened();
  const [page, setPage] = useState<InfoPage>("main");
  // biome-ignore lint/correctness/useExhaustiveDependencies: another chat begins at its first page
  useEffect(() => setPage("main"), [chatId]);

  const [, navigate] = useLocation();
  const main = `info.${chat?.type ?? "chat"}` as const;
  const heading = t(media ? "info.media" : page === "main" ? main : `info.${page}`);
  const back = () => (media ? navigate(chatInfoPath(chatId)) : setPage("main"));
  return (
    <div className={styles.pane}>
      <PaneHeader title={heading} onBack={media || page !== "main" ? back : undefined}>
        <IconButton label={t("info.close")} icon={X} onPress={onClose} />
      </PaneHeader>
      {inside()}
    </div>
  );

  function inside() {
    if (!opened) return <SkeletonRows label={t("info.loading")} />;
    if (chat === undefined) return <EmptyState icon={SearchX} title={t("info.gone")} />;
    if (media)
      return (
        <Suspense fallback={<SkeletonRows label={t("info.loading")} />}>
          <SharedPane key={chatId} chatId={chatId} />
        </Suspense>
      );
    if (chat.type === "direct") return <PersonInfo chat={chat} />;
    if (page === "members") return <MemberList chat={chat} />;
    if (page === "add") return <AddPeople chat={chat} onDone={() => setPage("main")} />;
    if (page === "links") return <InviteLinks chat={chat} />;
    return <RoomInfo chat={chat} onPage={setPage} />;
  }
}
