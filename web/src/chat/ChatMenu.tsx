import { BellOff, BellRing, CheckCheck, CircleDashed, LogOut, Pin, PinOff, Trash2 } from "lucide-react";
import { useTranslation } from "react-i18next";
import { MUTES } from "@/channels/chatCalls";
import type { Chat } from "@/realtime/realtime";
import { watch } from "@/stories/StoryRing";
import { useSeenOf } from "@/stories/useStories";
import { MenuItem, MenuSeparator } from "@/ui";
import { mayClose, mayLeave } from "./permissions";
import { useChatActions } from "./useChatActions";

/** What can be done with a chat of the list. */
export function ChatMenu({ chat, title }: { chat: Chat; title: string }) {
  const { t } = useTranslation("chat");
  const actions = useChatActions(chat, title);
  return (
    <>
      {chat.peer_id != null && <StoriesItem userId={chat.peer_id} title={title} />}
      <MenuItem icon={chat.pinned ? PinOff : Pin} onAction={actions.togglePin}>
        {chat.pinned ? t("unpin") : t("pin")}
      </MenuItem>
      {chat.unread > 0 && (
        <MenuItem icon={CheckCheck} onAction={actions.markRead}>
          {t("markRead")}
        </MenuItem>
      )}
      <MenuSeparator />
      {chat.muted ? (
        <MenuItem icon={BellRing} onAction={actions.unmute}>
          {t("unmute")}
        </MenuItem>
      ) : (
        MUTES.map((how) => (
          <MenuItem key={how} icon={BellOff} onAction={() => actions.mute(how)}>
            {t(`mute.${how}`)}
          </MenuItem>
        ))
      )}
      {mayLeave(chat) && <MenuSeparator />}
      {mayLeave(chat) && (
        <MenuItem icon={LogOut} danger onAction={actions.leave}>
          {t(chat.type === "channel" ? "leaveChannel" : "leaveGroup")}
        </MenuItem>
      )}
      {mayClose(chat) && (
        <MenuItem icon={Trash2} danger onAction={actions.close}>
          {t(chat.type === "channel" ? "deleteChannel" : "deleteGroup")}
        </MenuItem>
      )}
    </>
  );
}

function StoriesItem({ userId, title }: { userId: string; title: string }) {
  const { t } = useTranslation("chat");
  if (useSeenOf(userId).length === 0) return null;
  return (
    <MenuItem icon={CircleDashed} onAction={() => watch(userId)}>
      {t("storiesOf", { name: title })}
    </MenuItem>
  );
}
