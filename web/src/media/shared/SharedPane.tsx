import { FileText, Images, Mic } from "lucide-react";
import { useTranslation } from "react-i18next";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorText } from "@/ui/ErrorText";
import { SkeletonRows } from "@/ui/SkeletonRows";
import { Spinner } from "@/ui/Spinner";
import { Tabs } from "@/ui/Tabs";
import { FileRows } from "./FileRows";
import { PictureGrid } from "./PictureGrid";
import styles from "./SharedPane.module.css";
import { type SharedKind, useShared } from "./shared";
import { useEndInSight } from "./useEndInSight";

const ICONS = { pictures: Images, documents: FileText, voice: Mic } as const;
const KINDS: readonly SharedKind[] = ["pictures", "documents", "voice"];

/** All that people have shown each other in a chat, by what it is. */
export function SharedPane({ chatId }: { chatId: string }) {
  const { t } = useTranslation("media");
  return (
    <Tabs
      label={t("shared.title")}
      tabs={KINDS.map((kind) => ({
        id: kind,
        label: t(`shared.${kind}`),
        content: <SharedList chatId={chatId} kind={kind} />,
      }))}
    />
  );
}

function SharedList({ chatId, kind }: { chatId: string; kind: SharedKind }) {
  const { t } = useTranslation("media");
  const shared = useShared(chatId, kind);
  const { messages, hasMore, isLoadingMore, error, isLocal } = shared;
  const end = useEndInSight(hasMore && !isLoadingMore && error === null, shared.loadMore);
  if (shared.isPending) return <SkeletonRows label={t("shared.loading")} />;
  return (
    <div className={styles.list}>
      {isLocal && (
        <p className={styles.local} role="status">
          {t("shared.local")}
        </p>
      )}
      {messages.length === 0 && !isLocal && (
        <EmptyState icon={ICONS[kind]} title={t(`shared.none.${kind}`)}>
          <p>{t("shared.none.body")}</p>
        </EmptyState>
      )}
      {kind === "pictures" ? <PictureGrid messages={messages} /> : <FileRows messages={messages} />}
      <div ref={end} />
      {isLoadingMore && <Spinner center label={t("shared.loading")} />}
      <ErrorText error={error} onRetry={shared.retry} />
    </div>
  );
}
