import { useTranslation } from "react-i18next";
import { useMe } from "@/store/hooks";
import { ErrorText, RadioGroup, Switch } from "@/ui";
import { Blocked } from "./Blocked";
import { Section } from "./Section";
import { useProfilePatch } from "./useProfilePatch";

const VISIBILITIES = ["everyone", "contacts", "nobody"] as const;

/** What one shows of oneself, and whom one has blocked. A choice counts at once, and goes back if the server refuses it. */
export function Privacy() {
  const { t } = useTranslation("settings");
  const { privacy } = useMe();
  const patch = useProfilePatch();
  const asked = patch.isPending ? patch.variables.privacy : undefined;
  return (
    <>
      <ErrorText error={patch.error} onRetry={() => patch.variables && patch.mutate(patch.variables)} />
      <Section title={t("privacy.last_seen")} lead={t("privacy.last_seen_lead")}>
        <RadioGroup
          label={t("privacy.last_seen")}
          labelHidden
          value={asked?.last_seen ?? privacy.last_seen}
          onChange={(chosen) => patch.mutate({ privacy: { last_seen: chosen } })}
          options={VISIBILITIES.map((value) => ({ value, label: t(`privacy.visible.${value}`) }))}
        />
      </Section>
      <Section title={t("privacy.receipts")}>
        <Switch
          label={t("privacy.receipts_on")}
          description={t("privacy.receipts_hint")}
          isSelected={asked?.read_receipts ?? privacy.read_receipts}
          onChange={(on) => patch.mutate({ privacy: { read_receipts: on } })}
        />
      </Section>
      <Blocked />
    </>
  );
}
