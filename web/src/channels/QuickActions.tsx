import { Bell, BellOff, Pin, PinOff } from "lucide-react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import type { Chat } from "@/realtime/realtime";
import { formatDayTime, Menu, MenuItem } from "@/ui";
import { MUTES, mute, setPinned, unmute } from "./chatCalls";
import styles from "./info.module.css";
import { useAct } from "./useAct";

/** What one changes about a chat for oneself alone: mute and pin; `children` are further ones of the same kind. */
export function QuickActions({ chat, children }: { chat: Chat; children?: React.ReactNode }) {
  const { t } = useTranslation("channels");
  const { act, pending } = useAct();
  return (
    <>
      <div className={styles.quick}>
        {chat.muted ? (
          <QuickAction icon={Bell} isDisabled={pending} onPress={() => act(() => unmute(chat.id))}>
            {t("mute.off")}
          </QuickAction>
        ) : (
          <Menu
            label={t("mute.menu")}
            placement="bottom"
            trigger={
              <QuickAction icon={BellOff} isDisabled={pending}>
                {t("mute.on")}
              </QuickAction>
            }
          >
            {MUTES.map((how) => (
              <MenuItem key={how} onAction={() => act(() => mute(chat.id, how))}>
                {t(`mute.${how}`)}
              </MenuItem>
            ))}
          </Menu>
        )}
        <QuickAction
          icon={chat.pinned ? PinOff : Pin}
          isDisabled={pending}
          onPress={() => act(() => setPinned(chat.id, !chat.pinned))}
        >
          {t(chat.pinned ? "pin.off" : "pin.on")}
        </QuickAction>
        {children}
      </div>
      {chat.muted && (
        <p className={styles.muted}>
          <BellOff size={14} aria-hidden="true" />
          {chat.muted_until === null
            ? t("mute.forever")
            : t("mute.until", { time: formatDayTime(chat.muted_until) })}
        </p>
      )}
    </>
  );
}

export function QuickAction({
  icon: Icon,
  onPress,
  isDisabled,
  children,
}: {
  icon: typeof Bell;
  onPress?: () => void;
  isDisabled?: boolean;
  children: string;
}) {
  return (
    <Button
      className={styles.quickAction ?? ""}
      isDisabled={isDisabled === true}
      {...(onPress === undefined ? {} : { onPress })}
    >
      <Icon size={20} aria-hidden="true" />
      <span>{children}</span>
    </Button>
  );
}
