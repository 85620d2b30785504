import { Link2, LogOut, Trash2, UserPlus, Users } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { SharedRow } from "@/media/shared/SharedRow";
import type { Chat } from "@/realtime/realtime";
import { useMe } from "@/store/hooks";
import { confirm, ErrorText, Row, SkeletonRows } from "@/ui";
import type { InfoPage } from "./ChatInfo";
import { closeChat, removeMember } from "./chatCalls";
import styles from "./info.module.css";
import { MemberRow } from "./MemberRow";
import { may, mayAdd } from "./permissions";
import { QuickAction, QuickActions } from "./QuickActions";
import { RoomTitle } from "./RoomTitle";
import { useAct } from "./useAct";
import { useMemberList } from "./useMemberList";

/** How many members stand on the first page; the others are one press away. */
const SHOWN = 6;

/** The info of a group or channel. */
export function RoomInfo({ chat, onPage }: { chat: Chat; onPage: (page: InfoPage) => void }) {
  const { t } = useTranslation("channels");
  const { type, my_role: role } = chat;
  const adds = mayAdd(type, role);
  const invites = may("invite", type, role);
  const { members, error, isPending, refetch } = useMemberList(chat.id);
  return (
    <div className={styles.scroll}>
      <RoomTitle chat={chat} />
      <QuickActions chat={chat}>
        {adds && (
          <QuickAction icon={UserPlus} onPress={() => onPage("add")}>
            {t("members.add")}
          </QuickAction>
        )}
        {invites && (
          <QuickAction icon={Link2} onPress={() => onPage("links")}>
            {t("links.short")}
          </QuickAction>
        )}
      </QuickActions>
      <SharedRow chatId={chat.id} />
      <h2 className={styles.heading}>{t("members.count", { count: chat.member_count })}</h2>
      <div className={styles.group}>
        {isPending && <SkeletonRows label={t("info.loading")} count={3} />}
        <ErrorText error={error} onRetry={() => void refetch()} />
        {members.slice(0, SHOWN).map((member) => (
          <MemberRow key={member.user_id} chat={chat} member={member} />
        ))}
        {chat.member_count > SHOWN && (
          <Row
            avatar={<Users size={20} className={styles.inAvatar} aria-hidden="true" />}
            title={t("members.all", { count: chat.member_count })}
            onPress={() => onPage("members")}
          />
        )}
      </div>
      <Endings chat={chat} />
    </div>
  );
}

/** Leaving, and closing it for all. */
function Endings({ chat }: { chat: Chat }) {
  const { t } = useTranslation("channels");
  const me = useMe();
  const [, navigate] = useLocation();
  const { act, pending } = useAct();
  const { type, my_role: role } = chat;
  const kind = type === "channel" ? "channel" : "group";

  async function leave(): Promise<void> {
    const last = chat.member_count <= 1;
    const sure = await confirm({
      title: t(`leave.${kind}Title`, { title: chat.title }),
      body: t(last ? "leave.last" : role === "owner" ? "leave.owner" : "leave.body"),
      action: t("leave.action"),
      danger: true,
    });
    if (sure) act(() => removeMember(chat.id, me.id).then(() => navigate("/")), t("leave.done"));
  }

  async function close(): Promise<void> {
    const sure = await confirm({
      title: t(`close.${kind}Title`, { title: chat.title }),
      body: t("close.body", { count: chat.member_count }),
      action: t("close.action"),
      danger: true,
    });
    if (sure) act(() => closeChat(chat.id).then(() => navigate("/")), t("close.done"));
  }

  return (
    <div className={styles.group}>
      {may("leave", type, role) && (
        <Row
          avatar={<LogOut size={20} className={styles.turns} aria-hidden="true" />}
          title={t(`leave.${kind}`)}
          danger
          isDisabled={pending}
          onPress={() => void leave()}
        />
      )}
      {may("delete_chat", type, role) && (
        <Row
          avatar={<Trash2 size={20} aria-hidden="true" />}
          title={t(`close.${kind}`)}
          danger
          isDisabled={pending}
          onPress={() => void close()}
        />
      )}
    </div>
  );
}
