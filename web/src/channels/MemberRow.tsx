import { useQueryClient } from "@tanstack/react-query";
import { EllipsisVertical, MessageCircle, ShieldOff, ShieldPlus, UserMinus } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { Chat } from "@/realtime/realtime";
import { useMe, usePerson } from "@/store/hooks";
import { Avatar, confirm, IconButton, Menu, MenuItem, Row } from "@/ui";
import { putMember, removeMember } from "./chatCalls";
import styles from "./info.module.css";
import { type Member, membersKey } from "./members";
import { mayRemove, maySetRole } from "./permissions";
import { useAct } from "./useAct";
import { useOpenDirectChat } from "./useOpenDirectChat";

/** A member, what they are, and what one may do about it. */
export function MemberRow({ chat, member }: { chat: Chat; member: Member }) {
  const { t } = useTranslation("channels");
  const me = useMe();
  const person = usePerson(member.user_id);
  const own = member.user_id === me.id;
  const name = own ? me.name : person?.deleted === true ? t("person.deleted") : (person?.name ?? "…");
  const status = own ? me.status : (person?.status ?? "");
  return (
    <Row
      avatar={
        <Avatar
          name={name}
          mediaId={own ? me.avatar_media_id : person?.avatarMediaId}
          size={40}
          online={!own && person?.online === true}
        />
      }
      title={
        <>
          <bdi>{own ? t("members.you") : name}</bdi>
          {!own && person?.online === true && <span className="visually-hidden">, {t("person.online")}</span>}
        </>
      }
      subtitle={status === "" ? undefined : <bdi>{status}</bdi>}
      end={
        <>
          {member.role !== "member" && (
            <span className={styles.role} data-role={member.role}>
              {t(`role.${member.role}`)}
            </span>
          )}
          {!own && <MemberMenu chat={chat} member={member} name={name} gone={person?.deleted === true} />}
        </>
      }
    />
  );
}

function MemberMenu({
  chat,
  member,
  name,
  gone,
}: {
  chat: Chat;
  member: Member;
  name: string;
  /** Their account is deleted: there is nobody to write to. */
  gone: boolean;
}) {
  const { t } = useTranslation("channels");
  const queries = useQueryClient();
  const { open } = useOpenDirectChat();
  const { act, pending } = useAct();
  const { type, my_role: mine } = chat;
  const { user_id: userId, role } = member;
  const removes = mayRemove(type, mine, role);
  const promotes = maySetRole(type, mine, role) && !gone;
  if (gone && !removes) return null;

  // When it is refused, because somebody else was quicker, what is there now is asked again.
  const change = (what: () => Promise<void>, done: string) =>
    act(() => what().finally(() => queries.invalidateQueries({ queryKey: membersKey(chat.id) })), done);

  async function remove(): Promise<void> {
    const sure = await confirm({
      title: t("members.removeTitle", { name }),
      body: t("members.removeBody"),
      action: t("members.remove"),
      danger: true,
    });
    if (sure) change(() => removeMember(chat.id, userId), t("members.removed", { name }));
  }

  return (
    <Menu
      label={t("members.menu", { name })}
      trigger={
        <IconButton label={t("members.menu", { name })} icon={EllipsisVertical} isDisabled={pending} />
      }
    >
      {!gone && (
        <MenuItem icon={MessageCircle} onAction={() => open(userId)}>
          {t("person.message")}
        </MenuItem>
      )}
      {promotes && role === "member" && (
        <MenuItem
          icon={ShieldPlus}
          onAction={() => change(() => putMember(chat.id, userId, "admin"), t("members.promoted", { name }))}
        >
          {t("members.promote")}
        </MenuItem>
      )}
      {promotes && role === "admin" && (
        <MenuItem
          icon={ShieldOff}
          onAction={() => change(() => putMember(chat.id, userId, "member"), t("members.demoted", { name }))}
        >
          {t("members.demote")}
        </MenuItem>
      )}
      {removes && (
        <MenuItem icon={UserMinus} danger onAction={() => void remove()}>
          {t("members.removeFrom")}
        </MenuItem>
      )}
    </Menu>
  );
}
