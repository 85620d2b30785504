import {
  Bell,
  CircleUserRound,
  Database,
  Keyboard,
  Lock,
  type LucideIcon,
  MonitorSmartphone,
  Palette,
  UserCog,
} from "lucide-react";
import { useTranslation } from "react-i18next";
import { useMe } from "@/store/hooks";
import { Avatar, PaneHeader, Row } from "@/ui";
import { PAGES, type SettingsPage } from "./pages";
import styles from "./SettingsList.module.css";

const ICONS: Record<SettingsPage, LucideIcon> = {
  profile: CircleUserRound,
  privacy: Lock,
  notifications: Bell,
  appearance: Palette,
  devices: MonitorSmartphone,
  shortcuts: Keyboard,
  storage: Database,
  account: UserCog,
};

/** The pages of the settings, and whose they are. */
export function SettingsList({ page }: { page: string | null }) {
  const { t } = useTranslation("settings");
  const me = useMe();
  return (
    <>
      <PaneHeader title={t("title")} />
      <nav className={styles.list} aria-label={t("title")}>
        <Row
          href="/settings/profile"
          className={styles.me}
          avatar={<Avatar name={me.name} mediaId={me.avatar_media_id} size={60} />}
          title={<bdi className={styles.name}>{me.name}</bdi>}
          subtitle={me.status === "" ? <bdi dir="ltr">{me.phone}</bdi> : <bdi>{me.status}</bdi>}
        />
        {PAGES.map((name) => {
          const Icon = ICONS[name];
          return (
            <Row
              key={name}
              href={`/settings/${name}`}
              selected={page === name}
              avatar={
                <span className={styles.icon}>
                  <Icon size={20} aria-hidden="true" />
                </span>
              }
              title={t(`${name}.title`)}
              subtitle={t(`${name}.about`)}
            />
          );
        })}
      </nav>
    </>
  );
}
