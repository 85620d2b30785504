import { useTranslation } from "react-i18next";
import { useStore } from "zustand";
import { appearance, setAppearance, TEXT_SIZES, THEMES } from "@/app/appearance";
import { isLanguage, LANGUAGES, setLanguage } from "@/i18n";
import { RadioGroup } from "@/ui";
import { Section } from "./Section";

/** Theme, language, size of the text: on this browser, at once. */
export function Appearance() {
  const { t, i18n } = useTranslation("settings");
  const { theme, textSize } = useStore(appearance);
  return (
    <>
      <Section title={t("appearance.theme")}>
        <RadioGroup
          label={t("appearance.theme")}
          labelHidden
          value={theme}
          onChange={(chosen) => setAppearance({ theme: chosen })}
          options={THEMES.map((value) => ({ value, label: t(`appearance.themes.${value}`) }))}
        />
      </Section>
      <Section title={t("appearance.language")}>
        <RadioGroup
          label={t("appearance.language")}
          labelHidden
          value={i18n.language}
          onChange={(chosen) => {
            if (isLanguage(chosen)) void setLanguage(chosen);
          }}
          options={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))}
        />
      </Section>
      <Section title={t("appearance.text_size")}>
        <RadioGroup
          label={t("appearance.text_size")}
          labelHidden
          value={textSize}
          onChange={(chosen) => setAppearance({ textSize: chosen })}
          options={TEXT_SIZES.map((value) => ({ value, label: t(`appearance.text_sizes.${value}`) }))}
        />
      </Section>
    </>
  );
}
