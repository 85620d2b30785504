import { TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Button, EmptyState, ErrorText } from "@/ui";
import { ChunkError } from "./lazily";

/** What stands for a part of the page that has failed: what it means, and two ways on. */
export function Broken({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  const { t } = useTranslation("app");
  return (
    <EmptyState icon={TriangleAlert} title={t("broken.title")}>
      {error instanceof ChunkError ? <ErrorText error={error} /> : <p>{t("broken.body")}</p>}
      <div>
        <Button onPress={onRetry}>{t("retry")}</Button>{" "}
        <Button variant="primary" onPress={() => window.location.reload()}>
          {t("broken.reload")}
        </Button>
      </div>
    </EmptyState>
  );
}
