import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Mark } from "@/app/Mark";
import { formatBytes, Row, Switch, toast } from "@/ui";
import { Section } from "./Section";
import { useServerAbout } from "./useServerAbout";

/** What this browser keeps, and what this is. */
export function Storage() {
  const { t } = useTranslation("settings");
  const about = useServerAbout();
  const { data, refetch } = useQuery({ queryKey: ["storage"], queryFn: stored, staleTime: 0 });

  const keep = async () => {
    // A browser decides by itself, or asks; what it has granted it takes back only by its own settings.
    const granted = await navigator.storage.persist();
    if (!granted) toast(t("storage.refused"));
    await refetch();
  };
  return (
    <>
      {data !== null && (
        <Section title={t("storage.section")} lead={t("storage.lead")}>
          {data?.used !== undefined && (
            <Row title={t("storage.used")} end={<strong>{formatBytes(data.used)}</strong>} />
          )}
          {data !== undefined && (
            <Switch
              label={t("storage.keep")}
              description={t("storage.keep_hint")}
              isSelected={data.persisted}
              isDisabled={data.persisted}
              onChange={() => void keep()}
            />
          )}
        </Section>
      )}
      <Section title={t("storage.about_title")}>
        <Row
          avatar={<Mark size={44} />}
          title={t("app:name")}
          subtitle={about === null ? t("storage.server_unknown") : t("storage.server", about)}
        />
      </Section>
    </>
  );
}

/** `null` on a page that came without TLS: there the browser tells nothing, and promises nothing. */
async function stored(): Promise<{ used: number | undefined; persisted: boolean } | null> {
  if (navigator.storage === undefined) return null;
  const { usage } = await navigator.storage.estimate();
  return { used: usage, persisted: await navigator.storage.persisted() };
}
