import { useInfiniteQuery } from "@tanstack/react-query";
import { ChevronDown, Eye } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ok } from "@/api/client";
import { usePerson } from "@/store/hooks";
import { Avatar } from "@/ui/Avatar";
import { Button } from "@/ui/Button";
import { ErrorText } from "@/ui/ErrorText";
import { formatRelative } from "@/ui/format";
import { Row } from "@/ui/Row";
import { Spinner } from "@/ui/Spinner";
import { viewersKey } from "./news";
import styles from "./SeenBy.module.css";

const PAGE = 50;

/** Who has seen one's own story. */
export function SeenBy({ storyId, onOpen }: { storyId: string; onOpen: (open: boolean) => void }) {
  const { t } = useTranslation("stories");
  const [open, setOpen] = useState(false);
  const viewers = useInfiniteQuery({
    queryKey: viewersKey(storyId),
    queryFn: ({ pageParam, signal }) =>
      ok(
        api.GET("/api/v1/stories/{story_id}/views", {
          params: {
            path: { story_id: storyId },
            query: { limit: PAGE, ...(pageParam && { cursor: pageParam }) },
          },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next,
  });
  useEffect(() => onOpen(open), [open, onOpen]);
  const seen = viewers.data?.pages.flatMap((page) => page.items) ?? [];
  const count = viewers.hasNextPage ? `${seen.length}+` : String(seen.length);
  return (
    <>
      <button type="button" className={styles.eye} aria-expanded={open} onClick={() => setOpen(!open)}>
        <Eye size={18} aria-hidden="true" />
        {viewers.data === undefined ? t("seen.label") : t("seen.by", { count: seen.length, shown: count })}
        <ChevronDown size={16} aria-hidden="true" className={styles.chevron} data-open={open} />
      </button>
      {open && (
        <section className={styles.panel} aria-label={t("seen.label")}>
          {viewers.error !== null && (
            <ErrorText error={viewers.error} onRetry={() => void viewers.refetch()} />
          )}
          {viewers.isPending && <Spinner center label={t("loading")} />}
          {viewers.data !== undefined && seen.length === 0 && (
            <p className={styles.nobody}>{t("seen.nobody")}</p>
          )}
          <ul>
            {seen.map(({ user_id, name, at }) => (
              <li key={user_id}>
                <Viewer userId={user_id} name={name} at={at} />
              </li>
            ))}
          </ul>
          {viewers.hasNextPage && (
            <Button isPending={viewers.isFetchingNextPage} onPress={() => void viewers.fetchNextPage()}>
              {t("seen.more")}
            </Button>
          )}
        </section>
      )}
    </>
  );
}

function Viewer({ userId, name, at }: { userId: string; name: string; at: string }) {
  const person = usePerson(userId);
  return (
    <Row
      avatar={<Avatar name={name} mediaId={person?.avatarMediaId} size={40} />}
      title={<bdi>{name}</bdi>}
      end={formatRelative(at)}
    />
  );
}
