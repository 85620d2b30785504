import { useTranslation } from "react-i18next";
import { NotificationSettings } from "@/push/NotificationSettings";
import { Section } from "./Section";

/** What this browser tells of. */
export function Notifications() {
  const { t } = useTranslation("settings");
  return (
    <Section title={t("notifications.title")}>
      <NotificationSettings />
    </Section>
  );
}
