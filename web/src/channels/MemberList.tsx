import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Virtualizer, type VirtualizerHandle } from "virtua";
import type { Chat } from "@/realtime/realtime";
import { useMe, useRealtimeState } from "@/store/hooks";
import { ErrorText, SearchField, SkeletonRows, Spinner } from "@/ui";
import styles from "./info.module.css";
import { MemberRow } from "./MemberRow";
import { matches } from "./people";
import { useMemberList } from "./useMemberList";

/** So many rows before the end of what is there, more is asked for. */
const AHEAD = 30;

/** Everybody who is in a group or channel, however many: only the rows in sight are there. */
export function MemberList({ chat }: { chat: Chat }) {
  const { t } = useTranslation("channels");
  const me = useMe();
  const people = useRealtimeState((state) => state.people);
  const rows = useRef<VirtualizerHandle>(null);
  const [query, setQuery] = useState("");
  const list = useMemberList(chat.id);
  const { members, hasNextPage, isFetchingNextPage, fetchNextPage } = list;
  const name = (id: string) => (id === me.id ? me.name : (people.get(id)?.name ?? ""));
  const shown = query === "" ? members : members.filter(({ user_id: id }) => matches(name(id), query));

  function onScroll(offset: number): void {
    if (rows.current === null || !hasNextPage || isFetchingNextPage || list.isFetchNextPageError) return;
    const last = rows.current.findItemIndex(offset + rows.current.viewportSize);
    if (last >= shown.length - AHEAD) void fetchNextPage();
  }

  if (list.isPending) return <SkeletonRows label={t("info.loading")} />;
  if (list.error !== null && members.length === 0)
    return <ErrorText error={list.error} onRetry={() => void list.refetch()} center />;
  return (
    <>
      <div className={styles.search}>
        <SearchField label={t("members.search")} value={query} onChange={setQuery} />
      </div>
      <div className={styles.scroll}>
        <Virtualizer ref={rows} as="ul" item="li" data={shown} onScroll={onScroll}>
          {(member) => <MemberRow key={member.user_id} chat={chat} member={member} />}
        </Virtualizer>
        {isFetchingNextPage && (
          <div className={styles.more}>
            <Spinner />
          </div>
        )}
        <ErrorText error={list.error} onRetry={() => void fetchNextPage()} />
      </div>
      {query !== "" && hasNextPage && (
        <p className={styles.partial}>{t("members.partial", { count: members.length })}</p>
      )}
    </>
  );
}
