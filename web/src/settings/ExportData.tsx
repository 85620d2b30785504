import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Download, PackageOpen } from "lucide-react";
import { useTranslation } from "react-i18next";
import { ApiError, api, ok } from "@/api/client";
import type { components } from "@/types/openapi";
import { Button, ErrorText, formatBytes, formatDay, formatDayTime, Spinner } from "@/ui";
import { Section } from "./Section";
import styles from "./Section.module.css";

type Export = components["schemas"]["ExportView"];

const KEY = ["export"];
const LOOK_AGAIN_MS = 3_000;
/** A link to an archive is good for ten minutes. */
const RENEW_MS = 5 * 60_000;

/** `null` for one who has never asked for an archive. */
async function current(signal: AbortSignal): Promise<Export | null> {
  try {
    return await ok(api.GET("/api/v1/users/me/export", { signal }));
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

export function ExportData() {
  const { t } = useTranslation("settings");
  const queries = useQueryClient();
  const { data, error, refetch } = useQuery({
    queryKey: KEY,
    queryFn: ({ signal }) => current(signal),
    staleTime: 0,
    refetchInterval: ({ state }) => {
      if (state.data?.status === "preparing") return LOOK_AGAIN_MS;
      return state.data?.status === "ready" ? RENEW_MS : false;
    },
  });
  const request = useMutation({
    mutationFn: () => ok(api.POST("/api/v1/users/me/export")),
    onSuccess: (made) => queries.setQueryData(KEY, made),
  });
  const preparing = data?.status === "preparing" || request.isPending;
  return (
    <Section title={t("export.title")} lead={t("export.lead")}>
      <ErrorText error={error} onRetry={() => void refetch()} />
      <ErrorText error={request.error} onRetry={() => request.mutate()} />
      {data?.status === "failed" && <p role="alert">{t("export.failed")}</p>}
      {preparing && <Spinner size={18} label={t("export.preparing")} />}
      {data?.status === "ready" && !preparing && (
        <p role="status">
          {t("export.ready", {
            time: formatDayTime(data.ready_at ?? data.requested_at),
            size: formatBytes(data.size ?? 0),
          })}
          {data.expires_at !== null && ` ${t("export.until", { day: formatDay(data.expires_at) })}`}
        </p>
      )}
      <div className={styles.actions}>
        {data?.status === "ready" && !preparing && data.url !== null && (
          <a className={styles.download} href={data.url} download rel="noreferrer">
            <Download size={18} aria-hidden="true" />
            {t("export.download")}
          </a>
        )}
        <Button icon={PackageOpen} isDisabled={preparing} onPress={() => request.mutate()}>
          {data?.status === "ready" ? t("export.again") : t("export.request")}
        </Button>
      </div>
    </Section>
  );
}
