import { useTranslation } from "react-i18next";
import { useStore } from "zustand";
import { ShortcutsList } from "@/app/ShortcutsList";
import { setSingleKeys, singleKeys } from "@/app/shortcuts";
import { Switch } from "@/ui";
import { Section } from "./Section";

export function Shortcuts() {
  const { t } = useTranslation("settings");
  const { on } = useStore(singleKeys);
  return (
    <>
      <Section title={t("shortcuts.section")}>
        <ShortcutsList />
      </Section>
      <Section title={t("shortcuts.single")}>
        <Switch
          label={t("shortcuts.single_on")}
          description={t("shortcuts.single_hint")}
          isSelected={on}
          onChange={setSingleKeys}
        />
      </Section>
    </>
  );
}
