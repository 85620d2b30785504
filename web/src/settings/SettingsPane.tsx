import { Settings } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { Lost } from "@/app/Lost";
import { lazily } from "@/app/lazily";
import { EmptyState, PaneHeader, useNarrow } from "@/ui";
import { isPage, type SettingsPage } from "./pages";
import styles from "./SettingsPane.module.css";

const CONTENT = {
  profile: lazily(() => import("./Profile").then((module) => module.Profile)),
  privacy: lazily(() => import("./Privacy").then((module) => module.Privacy)),
  notifications: lazily(() => import("./Notifications").then((module) => module.Notifications)),
  appearance: lazily(() => import("./Appearance").then((module) => module.Appearance)),
  devices: lazily(() => import("./Devices").then((module) => module.Devices)),
  shortcuts: lazily(() => import("./Shortcuts").then((module) => module.Shortcuts)),
  storage: lazily(() => import("./Storage").then((module) => module.Storage)),
  account: lazily(() => import("./Account").then((module) => module.Account)),
} satisfies Record<SettingsPage, unknown>;

/** One page of the settings. */
export function SettingsPane({ page }: { page: string | null }) {
  const { t } = useTranslation("settings");
  const [, go] = useLocation();
  const narrow = useNarrow();
  if (page === null) return <EmptyState icon={Settings} title={t("choose")} />;
  if (!isPage(page)) return <Lost />;
  const Content = CONTENT[page];
  return (
    <>
      <PaneHeader title={t(`${page}.title`)} onBack={narrow ? () => go("/settings") : undefined} />
      <div className={styles.scroll}>
        <div className={styles.page}>
          <Content />
        </div>
      </div>
    </>
  );
}
