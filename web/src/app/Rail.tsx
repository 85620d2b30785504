import clsx from "clsx";
import { CircleDashed, MessageCircle, Settings } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { useMe, useRealtimeState } from "@/store/hooks";
import { useNewStories } from "@/stories/useStories";
import { Avatar, Badge } from "@/ui";
import { Mark } from "./Mark";
import type { Place } from "./place";
import styles from "./Rail.module.css";
import { chatsWaiting } from "./waiting";

const SECTIONS = [
  { name: "chats", href: "/", icon: MessageCircle, at: ["chats", "chat", "new", "invite"] },
  { name: "stories", href: "/stories", icon: CircleDashed, at: ["stories"] },
  { name: "settings", href: "/settings", icon: Settings, at: ["settings"] },
] as const satisfies readonly { at: readonly Place["at"][]; [key: string]: unknown }[];

/** The way between the sections; at the side, on narrow screens below. */
export function Rail({ at }: { at: Place["at"] }) {
  const { t } = useTranslation("app");
  const me = useMe();
  const waiting = useRealtimeState(chatsWaiting);
  const newStories = useNewStories();
  return (
    <nav className={styles.rail} aria-label={t("rail.label")}>
      <div className={styles.mark}>
        <Mark size={36} />
      </div>
      {SECTIONS.map((section) => {
        const current = (section.at as readonly string[]).includes(at);
        const Icon = section.icon;
        return (
          <Link
            key={section.name}
            href={section.href}
            className={clsx(styles.item, current && styles.current)}
            aria-current={current ? "page" : undefined}
          >
            <span className={styles.icon}>
              <Icon size={22} strokeWidth={current ? 2.3 : 1.9} aria-hidden="true" />
              {section.name === "chats" && (
                <span className={styles.badge}>
                  <Badge count={waiting} label={t("unread", { count: waiting })} />
                </span>
              )}
              {section.name === "stories" && newStories && <span className={styles.dot} />}
            </span>
            <span className={styles.name}>{t(`rail.${section.name}`)}</span>
            {section.name === "stories" && newStories && (
              <span className="visually-hidden">{t("rail.newStories")}</span>
            )}
          </Link>
        );
      })}
      <Link href="/settings/profile" className={styles.me} aria-label={t("rail.you")}>
        <Avatar name={me.name} mediaId={me.avatar_media_id} size={36} />
      </Link>
    </nav>
  );
}
